// Runs the transpiler in Pyodide. One message asks, one message answers; the main page asks one thing at a time.

import { loadPyodide } from "./pyodide/pyodide.mjs";

const here = new URL("./", import.meta.url).href;

async function start() {
  const [pyodide, archive] = await Promise.all([
    loadPyodide({ indexURL: `${here}pyodide/` }),
    fetch(`${here}python.zip`).then((response) => {
      if (!response.ok) throw new Error(`python.zip: HTTP status ${response.status}`);
      return response.arrayBuffer();
    }),
  ]);
  pyodide.unpackArchive(archive, "zip", { extractDir: "/modules" });
  return pyodide.runPython("import sys; sys.path.insert(0, '/modules')\nfrom page.judge import Judge\nJudge().answer");
}

const ready = start().then(
  (answer) => {
    postMessage({ ready: true });
    return answer;
  },
  (error) => postMessage({ broken: String(error) }),
);

onmessage = async ({ data }) => {
  const answer = await ready;
  if (!answer) return;
  try {
    postMessage({ id: data.id, answer: JSON.parse(answer(JSON.stringify(data.request))) });
  } catch (error) {
    // after an error in Pyodide itself, such as a full stack, this interpreter cannot be used any more
    postMessage({ id: data.id, failed: String(error) });
  }
};
