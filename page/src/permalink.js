// The link to a text: compressed in the fragment of the address, which a browser never sends to a server.

const MOST = 1 << 20; // characters of a text in a link

export async function fragmentOf(content) {
  const stream = new Blob([JSON.stringify(content)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `#1${btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

// The text and the kept text of a fragment; null if the fragment is not one of ours.
export async function contentOf(fragment) {
  if (!fragment.startsWith("#1")) return null;
  const bytes = Uint8Array.from(atob(fragment.slice(2).replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
    if (text.length > MOST) throw new Error("the text in the link is too large");
  }
  const { text: config, kept } = JSON.parse(text + decoder.decode());
  if (typeof config !== "string") throw new Error("the link has no text");
  return { text: config, kept: typeof kept === "string" ? kept : null };
}
