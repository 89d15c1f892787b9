/** What bellhop's pages share: light and dark by the reader's own choice, and fit for print. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #ffffff; --ink: #17202c; --soft: #5b6878; --line: #e3e7ed;
  --band: #f3f6fa; --good: #147a55; --good-ground: #e2f6ec; --bad: #b42a25; --bad-ground: #fdeaea;
  --shadow: 0 1px 2px #1b273714, 0 6px 24px #1b27370d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #10141a; --card: #181e26; --ink: #e8edf4; --soft: #94a2b4; --line: #2a323d;
    --band: #1d242d; --good: #58d3a4; --good-ground: #163329; --bad: #ff8d88;
    --bad-ground: #3a1f20; --shadow: none;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 14px/1.5 Inter, ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  font-feature-settings: "tnum", "calt" 0; font-variant-numeric: tabular-nums; font-variant-ligatures: none;
}
main { max-width: 1180px; margin: 0 auto; padding: 36px 28px 56px; }
h1 { font-size: 25px; line-height: 1.2; margin: 0; font-weight: 650; letter-spacing: -.015em; }
h2 { font-size: 15px; margin: 0 0 14px; font-weight: 650; letter-spacing: -.005em; }
h2 small { font-weight: 400; color: var(--soft); font-size: 13px; margin-left: 8px; }
code, .name { font-family: "JetBrains Mono", ui-monospace, SFMono-Regular, Menlo, monospace; }
code { font-size: 12.5px; background: var(--band); padding: 1px 5px; border-radius: 4px; }
header { display: flex; align-items: flex-end; gap: 20px; flex-wrap: wrap; margin-bottom: 22px; }
header div { flex: 1; min-width: 280px; }
.about { color: var(--soft); margin: 5px 0 0; }
.verdict { font-weight: 600; padding: 6px 14px; border-radius: 999px; white-space: nowrap; }
.well { color: var(--good); background: var(--good-ground); }
.ill { color: var(--bad); background: var(--bad-ground); }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 20px 22px 22px; margin-bottom: 18px; box-shadow: var(--shadow);
}
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 0;
  padding: 0; overflow: hidden; }
.figures div { padding: 15px 20px 16px; border-left: 1px solid var(--line); margin-left: -1px; }
.figures dt { color: var(--soft); font-size: 12.5px; }
.figures dd { margin: 2px 0 0; font-size: 22px; font-weight: 600; letter-spacing: -.02em; }
dl { margin: 0; }
table { width: 100%; border-collapse: collapse; }
th { text-align: left; font-weight: 500; color: var(--soft); font-size: 12.5px; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
footer { color: var(--soft); font-size: 12.5px; padding: 4px 4px 0; }
@media (max-width: 720px) { main { padding: 20px 14px; } }
@media print { body { background: #fff; } section { box-shadow: none; break-inside: avoid; } }
`;
