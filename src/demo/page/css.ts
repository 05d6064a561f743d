/** The style sheet of the demo's page: light and dark, from 320 pixels upwards. */
export const pageCss = `
:root {
  --ground: #f6f7f9;
  --surface: #ffffff;
  --sunken: #eef1f5;
  --text: #16202c;
  --soft: #51606f;
  --line: #d5dbe3;
  --accent: #1d4ed8;
  --on-accent: #ffffff;
  --good: #11692f;
  --good-ground: #e4f5e9;
  --bad: #a4161f;
  --bad-ground: #fdeaea;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0f141a;
    --surface: #182029;
    --sunken: #10161d;
    --text: #e6ebf1;
    --soft: #a3b0be;
    --line: #303b47;
    --accent: #8ab4ff;
    --on-accent: #0b1526;
    --good: #7ddc9a;
    --good-ground: #12301d;
    --bad: #ff9a9a;
    --bad-ground: #3a1719;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 0 1rem 3rem; max-width: 68rem;
  background: var(--ground); color: var(--text);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
h1, h2, h3 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: clamp(1.6rem, 4vw, 2.1rem); letter-spacing: -0.02em; }
h2 { font-size: 1.15rem; scroll-margin-top: 2rem; }
h3 { font-size: 0.95rem; }
p { margin: 0.5rem 0; }
a { color: var(--accent); }
code, pre, .code, .url { font-family: var(--mono); font-size: 0.88em; }
code { overflow-wrap: anywhere; }
h2 code { font-size: 0.92em; }
.tag {
  font-size: 0.45em; letter-spacing: 0.06em; text-transform: uppercase; vertical-align: middle;
  padding: 0.25em 0.7em; border: 1px solid var(--line); border-radius: 2em; color: var(--soft);
}
.lead { color: var(--soft); max-width: 46rem; font-size: 1.05rem; }
.hint { color: var(--soft); font-size: 0.92rem; }
header { padding: 2rem 0 0.5rem; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--surface); padding: 0.5rem 1rem; z-index: 1; }

.route { list-style: none; display: flex; align-items: stretch; gap: 0.5rem; margin: 1.5rem 0; padding: 0; }
.route p { margin: 0.15rem 0; color: var(--soft); font-size: 0.9rem; }
.box {
  flex: 1 1 0; min-width: 0; padding: 1rem; text-align: center;
  background: var(--surface); border: 1px solid var(--line); border-radius: 0.75rem;
}
.box.main { border: 2px solid var(--accent); flex-grow: 1.25; }
.route .url { color: var(--text); overflow-wrap: anywhere; }
.icon { width: 1.75rem; height: 1.75rem; }
.icon, .arrow svg { fill: none; stroke: var(--accent); stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.arrow { flex: 0 0 3rem; display: grid; place-items: center; }
.arrow svg { width: 3rem; stroke: var(--soft); stroke-width: 2; }

main { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; }
.card {
  min-width: 0; padding: 1.25rem; scroll-margin-top: 1rem; background: var(--surface);
  border: 1px solid var(--line); border-radius: 0.75rem;
}
.card:nth-of-type(n + 4), .card.wide { grid-column: 1 / -1; }
.card:nth-of-type(1) { grid-column: 1 / -1; }
.card > p { color: var(--soft); max-width: 46rem; }
.number {
  display: inline-grid; place-items: center; width: 1.7em; height: 1.7em; margin-right: 0.35em;
  border-radius: 50%; background: var(--accent); color: var(--on-accent); font-size: 0.8em; font-weight: 700;
}

.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6rem; margin: 0.9rem 0 0; }
button {
  font: inherit; font-weight: 600; padding: 0.5rem 1rem; min-height: 2.75rem; cursor: pointer;
  color: var(--accent); background: var(--surface); border: 1.5px solid var(--accent); border-radius: 0.5rem;
}
button:hover:not(:disabled) { background: var(--sunken); }
button.primary { color: var(--on-accent); background: var(--accent); }
button.primary:hover:not(:disabled) { background: var(--accent); filter: brightness(1.12); }
button.quiet { border-color: var(--line); color: var(--soft); }
button:disabled { opacity: 0.55; cursor: default; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 0.3rem; }

.fields { display: grid; gap: 0.75rem; margin-top: 0.75rem; }
label { display: block; font-size: 0.92rem; }
textarea, input[type="text"], input[type="file"] {
  display: block; width: 100%; margin-top: 0.25rem; padding: 0.55rem 0.7rem; font: inherit;
  color: inherit; background: var(--ground); border: 1px solid var(--line); border-radius: 0.5rem;
}
textarea { resize: vertical; }
textarea.code { font-family: var(--mono); font-size: 0.85rem; line-height: 1.5; }
.choices { display: flex; flex-wrap: wrap; gap: 0.6rem; margin: 0.75rem 0 0; padding: 0; border: 0; min-width: 0; }
legend { padding: 0; margin-bottom: 0.5rem; color: var(--soft); }
.choices label {
  display: flex; align-items: center; gap: 0.5rem; padding: 0.5rem 0.9rem; min-height: 2.75rem; cursor: pointer;
  border: 1.5px solid var(--line); border-radius: 0.5rem;
}
.choices label:has(:checked) { border-color: var(--accent); background: var(--sunken); }
.choices input { accent-color: var(--accent); width: 1.05rem; height: 1.05rem; margin: 0; }

.result:not(:empty) { margin-top: 1rem; }
.verdict { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.35rem 0.6rem; margin: 0; overflow-wrap: anywhere; }
.badge {
  display: inline-block; padding: 0.1rem 0.65rem; border-radius: 2rem;
  font-size: 0.85rem; font-weight: 700; white-space: nowrap;
}
.badge.good { color: var(--good); background: var(--good-ground); }
.badge.bad { color: var(--bad); background: var(--bad-ground); }
.side .verdict { margin-top: 0.6rem; }
.error { color: var(--bad); font-family: var(--mono); font-size: 0.9rem; overflow-wrap: anywhere; }
pre {
  margin: 0.5rem 0 0; padding: 0.75rem; overflow: auto; max-height: 22rem;
  background: var(--sunken); border: 1px solid var(--line); border-radius: 0.5rem; line-height: 1.5;
}
details { margin-top: 0.75rem; }
summary { cursor: pointer; color: var(--accent); font-size: 0.92rem; font-weight: 600; padding: 0.25rem 0; }
.preview { display: block; max-width: 100%; max-height: 14rem; margin-top: 0.5rem; border-radius: 0.5rem; }

.sides { display: grid; grid-template-columns: 1fr 1.6fr; gap: 1rem; }
.sides:not(:empty) { margin-top: 1rem; }
.side { min-width: 0; padding: 1rem; background: var(--ground); border: 1px solid var(--line); border-radius: 0.6rem; }
.side dl { display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 1rem; margin: 0.6rem 0 0; }
.side dt { color: var(--soft); font-size: 0.92rem; }
.side dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
.why { font-size: 1.02rem; }

.scroll { overflow-x: auto; margin-top: 0.75rem; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; }
th { color: var(--soft); font-weight: 600; }
#log td:first-child { min-width: 12rem; }
tbody th { color: var(--text); font-weight: 400; font-family: var(--mono); font-size: 0.85em; min-width: 7rem; }
.hidden-value { color: var(--bad); font-style: italic; }
.empty td { color: var(--soft); }
footer { margin-top: 1.5rem; color: var(--soft); font-size: 0.92rem; }

@media (max-width: 46rem) {
  main, .sides { grid-template-columns: minmax(0, 1fr); }
  .route { flex-direction: column; align-items: stretch; }
  .arrow { flex-basis: 2rem; }
  .arrow svg { transform: rotate(90deg); width: 2rem; }
  .card { padding: 1rem; grid-column: 1 / -1; }
  #log thead { display: none; }
  #log, #log tbody, #log tr, #log td { display: block; width: 100%; }
  #log tr { padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  #log td { border: 0; padding: 0.1rem 0; }
  tbody th { min-width: 0; }
  #log .empty { border: 0; }
}
@media (prefers-reduced-motion: no-preference) {
  .result > *, .side { animation: appear 0.2s ease-out; }
  @keyframes appear { from { opacity: 0; transform: translateY(4px); } }
}
`
