// Starts `transpile lsp` for configs. All answers are those of that program.
"use strict";

const { window, workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = async () => {
  const command = workspace.getConfiguration("transpile").get("command");
  const documents = ["file", "untitled"].map((scheme) => ({ scheme, language: "butane" }));
  client = new LanguageClient("transpile", "transpile", { command, args: ["lsp"] }, { documentSelector: documents });
  try {
    await client.start();
  } catch (error) {
    window.showErrorMessage(
      `${command} lsp does not start: ${error.message}. Install it with: pip install 'firstboot-provision[lsp]'`,
    );
  }
};

exports.deactivate = () => client?.stop();
