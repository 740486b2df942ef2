// Makes elements. Texts are always text nodes, so nothing of a config becomes HTML.

export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// A text with `code` and **bold**, the two forms of Markdown that descriptions use.
export function marked(text) {
  const made = element("div", { className: "described" });
  for (const paragraph of text.split(/\n{2,}/)) {
    const shown = element("p");
    for (const part of paragraph.split(/(`[^`]+`|\*\*[^*]+\*\*)/)) {
      if (part.startsWith("`") && part.length > 1) shown.append(element("code", {}, part.slice(1, -1)));
      else if (part.startsWith("**")) shown.append(element("b", {}, part.slice(2, -2)));
      else shown.append(part);
    }
    made.append(shown);
  }
  return made;
}

export function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
