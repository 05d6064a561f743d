/** The style sheet of the console: light and dark, from 320 pixels upwards. */
export const pageCss = `
:root {
  --ground: #f5f6f8;
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
  --warn: #7a4b00;
  --warn-ground: #fdf2d8;
  /* Told apart by who does not see red or green, too (Okabe and Ito). */
  --matched: #00805c;
  --origin: #c84e00;
  --method: #a56a00;
  --header: #a8487a;
  --no-rules: #0067a5;
  --malformed: #5f6b78;
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
    --warn: #ffd27a;
    --warn-ground: #362709;
    --matched: #35c69b;
    --origin: #ff8a3d;
    --method: #e6b53c;
    --header: #e08bbb;
    --no-rules: #5bb8f5;
    --malformed: #9aa7b4;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 4.5rem; }
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 0.95rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
main, footer, .bar { max-width: 72rem; margin: 0 auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: 1.05rem; }
h2 { font-size: 1.15rem; }
h3 { font-size: 0.95rem; }
p { margin: 0.4rem 0; }
a { color: var(--accent); }
.soft { color: var(--soft); }
h1 .soft { font-weight: 400; }
code, pre, .code { font-family: var(--mono); font-size: 0.86rem; }
code { overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
[hidden] { display: none; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--surface); padding: 0.5rem 1rem; z-index: 3; }

header { position: sticky; top: 0; z-index: 2; background: var(--surface); border-bottom: 1px solid var(--line); }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 1.5rem; padding-block: 0.6rem; }
nav { display: flex; flex-wrap: wrap; gap: 0.1rem 0.25rem; flex: 1 0 auto; }
nav a { color: var(--soft); text-decoration: none; padding: 0.25rem 0.5rem; border-radius: 0.4rem; }
nav a:hover { color: var(--text); background: var(--sunken); }
.status { margin: 0; font-size: 0.85rem; color: var(--soft); display: flex; align-items: center; gap: 0.4rem; }
.dot { width: 0.65rem; height: 0.65rem; border-radius: 50%; background: var(--soft); }
.live .dot { background: var(--good); }
.down .dot { background: var(--bad); }

.alarm { background: var(--bad-ground); color: var(--bad); padding: 0.75rem 1rem; border-radius: 0.6rem; margin: 1rem 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: 0.75rem; margin: 1rem 0; }
.tiles > div { background: var(--surface); border: 1px solid var(--line); border-radius: 0.7rem; padding: 0.6rem 0.9rem; }
.tiles dt { color: var(--soft); font-size: 0.85rem; }
.tiles dd { margin: 0; font-size: 1.55rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tiles .bad dd { color: var(--bad); }
.stale-data .tiles, .stale-data .card { opacity: 0.6; }

.card { background: var(--surface); border: 1px solid var(--line); border-radius: 0.8rem; padding: 1rem 1.1rem; margin: 0 0 1rem; }
.card:focus { outline: none; }
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1rem; }
.choices { display: flex; flex-wrap: wrap; align-items: center; gap: 0.5rem 1rem; }
.choices label { display: flex; align-items: center; gap: 0.4rem; color: var(--soft); }

.list { margin-top: 0.6rem; }
.list > details { border-top: 1px solid var(--line); }
.list > details:last-child { border-bottom: 1px solid var(--line); }
summary { cursor: pointer; padding: 0.6rem 0.4rem; border-radius: 0.4rem; }
.list summary { display: flex; flex-wrap: wrap; align-items: center; gap: 0.3rem 0.7rem; list-style: none; }
.list summary::-webkit-details-marker { display: none; }
.list summary::before { content: "▸"; color: var(--soft); transition: transform 0.12s; }
.list details[open] > summary::before { transform: rotate(90deg); }
.list summary:hover { background: var(--sunken); }
.list summary .who { flex: 1 1 16rem; min-width: 0; overflow-wrap: anywhere; }
.list summary .when { color: var(--soft); font-size: 0.85rem; white-space: nowrap; }
.body { padding: 0.1rem 0.4rem 1rem 1.6rem; }
.empty { padding: 1.2rem; text-align: center; background: var(--sunken); border-radius: 0.6rem; color: var(--soft); }

.badge { display: inline-block; padding: 0.05rem 0.55rem; border-radius: 1rem; font-size: 0.82rem; font-weight: 600; white-space: nowrap; }
.badge.good { color: var(--good); background: var(--good-ground); }
.badge.bad { color: var(--bad); background: var(--bad-ground); }
.badge.warn { color: var(--warn); background: var(--warn-ground); }
.badge.plain { color: var(--soft); background: var(--sunken); }
.count { font-weight: 700; font-variant-numeric: tabular-nums; min-width: 3rem; text-align: right; }

.why { font-size: 1.02rem; margin: 0.2rem 0 0.5rem; max-width: 48rem; }
.label { color: var(--soft); font-size: 0.85rem; margin: 0.8rem 0 0.2rem; display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.3rem; }
pre { margin: 0; padding: 0.7rem 0.9rem; background: var(--sunken); border: 1px solid var(--line); border-radius: 0.5rem; overflow: auto; max-height: 26rem; line-height: 1.45; }
pre .added { display: block; margin: 0 -0.9rem; padding: 0 0.9rem; background: var(--good-ground); color: var(--good); }
pre .removed { display: block; margin: 0 -0.9rem; padding: 0 0.9rem; background: var(--bad-ground); color: var(--bad); }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
ul.plain { margin: 0.3rem 0; padding-left: 1.2rem; }

.plot { margin: 0.6rem 0; min-height: 15rem; }
.u-legend { display: flex; flex-wrap: wrap; justify-content: center; gap: 0 0.8rem; font-size: 0.85rem; }
.u-legend th, .u-legend td { border: 0; padding: 0.1rem 0.2rem; font-weight: 400; color: var(--soft); }
.u-legend .u-value { display: inline-block; min-width: 3.2em; text-align: left; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.3rem 0.5rem; border-top: 1px solid var(--line); vertical-align: top; }
thead th { color: var(--soft); font-weight: 500; font-size: 0.85rem; border-top: 0; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.key { display: inline-block; width: 0.8rem; height: 0.8rem; border-radius: 0.2rem; margin-right: 0.5rem; vertical-align: -0.05rem; }
.key.matched { background: var(--matched); } .key.origin { background: var(--origin); }
.key.method { background: var(--method); } .key.header { background: var(--header); }
.key.no_rules { background: var(--no-rules); } .key.malformed { background: var(--malformed); }

.finding { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 0.7rem; align-items: baseline; padding: 0.35rem 0; border-top: 1px solid var(--line); }
.finding:first-child { border-top: 0; }
.finding .place { color: var(--soft); font-family: var(--mono); font-size: 0.82rem; }
.finding p { margin: 0; overflow-wrap: anywhere; }

.fields { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr)); gap: 0.7rem 1rem; margin-top: 0.7rem; align-content: start; }
.fields label { display: flex; flex-direction: column; gap: 0.2rem; font-size: 0.88rem; color: var(--soft); }
.fields .wide { grid-column: 1 / -1; }
.says p { margin: 0.15rem 0 0; color: var(--soft); overflow-wrap: anywhere; }
.says p.says-error { color: var(--bad); }
.says p.says-warning { color: var(--warn); }
fieldset { border: 1px solid var(--line); border-radius: 0.5rem; padding: 0.4rem 0.8rem 0.6rem; margin: 0; display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; }
legend { font-size: 0.88rem; color: var(--soft); padding: 0 0.3rem; }
.fields label.check { flex-direction: row; align-items: center; gap: 0.4rem; color: var(--text); padding: 0.2rem 0; }
input, select, textarea, button { font: inherit; color: inherit; }
input, select, textarea { background: var(--ground); border: 1px solid var(--line); border-radius: 0.45rem; padding: 0.4rem 0.6rem; color: var(--text); width: 100%; min-width: 0; }
.choices input, .choices select, .check input { width: auto; }
input[type="checkbox"] { accent-color: var(--accent); width: 1.1rem; height: 1.1rem; margin: 0; }
textarea { font-family: var(--mono); font-size: 0.86rem; resize: vertical; }
::placeholder { color: var(--soft); opacity: 0.75; }
[aria-invalid="true"] { border-color: var(--bad); }
button { background: var(--surface); border: 1px solid var(--line); border-radius: 0.45rem; padding: 0.35rem 0.8rem; cursor: pointer; color: var(--text); }
button:hover { border-color: var(--accent); }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-weight: 600; }
button.small { padding: 0.1rem 0.6rem; font-size: 0.82rem; }
.actions { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; }
.result:not(:empty) { margin-top: 1rem; padding-top: 0.8rem; border-top: 1px solid var(--line); }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0.5rem 1.5rem; }
.made { margin-top: 0.7rem; }
.made pre { margin: 0.5rem 0; }
footer { padding-block: 0.5rem 2rem; font-size: 0.85rem; }

@media (max-width: 48rem) {
  .columns { grid-template-columns: minmax(0, 1fr); }
  header { position: static; }
  nav { order: 3; flex: 1 0 100%; margin-inline: -0.5rem; }
  .list summary .who { flex-basis: 12rem; }
  .count { min-width: 0; }
  html { scroll-padding-top: 0.5rem; }
  main, footer, .bar { padding-inline: 0.7rem; }
  .card { padding: 0.8rem; }
  .body { padding-left: 0.4rem; }
  input, select, textarea, button { min-height: 2.4rem; }
  button.small { min-height: 2rem; }
  input[type="checkbox"] { min-height: 0; width: 1.3rem; height: 1.3rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
`
