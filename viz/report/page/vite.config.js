// How the page becomes one file: Svelte compiled, script and style put into the html, nothing left to load.
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { readFileSync } from "node:fs";
import { defineConfig } from "vite";

// Replaces the links to script and style by what they link to, and names the page report.html.
const oneFile = () => ({
  name: "one-file",
  enforce: "post",
  generateBundle(_, bundle) {
    const page = bundle["index.html"];
    let html = page.source;
    for (const [name, part] of Object.entries(bundle)) {
      if (name === "index.html") continue;
      // "</script" and "<!--" inside a script would end it or open a comment.
      const element =
        part.type === "chunk"
          ? `<script type="module">${part.code.trim().replaceAll("</script", "<\\/script").replaceAll("<!--", "\\x3C!--")}</script>`
          : `<style>${part.source.toString().trim()}</style>`;
      const link = new RegExp(`[ \\t]*<(script|link)[^>]*(src|href)="[^"]*${name.replace(/.*\//, "")}"[^>]*>(</script>)?\\n?`);
      if (!link.test(html)) throw new Error(`vite.config.js: index.html has no link to ${name}; a page is one script and one style`);
      html = html.replace(link, "");
      html = html.replace("</head>", () => `${element}\n</head>`);
      delete bundle[name];
    }
    // The runtime of Svelte is part of the page, so its licence is too.
    const licence = readFileSync(new URL("node_modules/svelte/LICENSE.md", import.meta.url), "utf8").trim();
    const charset = '<meta charset="utf-8">'; // must stay within the first 1024 bytes
    html = html.replace(charset, () => `${charset}\n<!-- Limpid, Apache-2.0. With the runtime of Svelte:\n${licence}\n-->`);
    delete bundle["index.html"];
    this.emitFile({ type: "asset", fileName: "report.html", source: html });
  },
});

export default defineConfig({
  plugins: [svelte({ compilerOptions: { runes: true }, emitCss: true }), oneFile()],
  logLevel: "warn",
  build: {
    target: "es2021",
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    emptyOutDir: true,
    outDir: process.env.PAGE_OUT || "dist",
  },
});
