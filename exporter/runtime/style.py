"""The look of the page for people: light and dark, wide and narrow."""

import base64
import hashlib

STYLE = """
:root {
  color-scheme: light dark;
  --ink: #1d2330; --soft: #5b6472; --paper: #fff; --field: #f4f5f7; --line: #dcdfe5;
  --link: #0b57c2; --good: #17743a; --bad: #b3261e; --warn: #8a5a00;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e9ef; --soft: #9aa4b2; --paper: #14171d; --field: #1d222b; --line: #313846;
    --link: #82b1ff; --good: #5fd38d; --bad: #ff8a80; --warn: #f0c05a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.5rem; line-height: 1.2; }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
p { margin: .4rem 0; }
a { color: var(--link); }
small, th, dl, .soft { font-size: .875rem; }
small, th, dd, .soft { color: var(--soft); font-weight: 400; }
bdi, code, dd { overflow-wrap: anywhere; }
code { font-family: ui-monospace, monospace; }
.good { color: var(--good); } .bad, .worst { color: var(--bad); }
.warn { color: var(--warn); } .none { color: var(--soft); }
.banner {
  margin: 1rem 0; padding: .7rem 1rem; border-left: .3rem solid; background: var(--field);
  font-weight: 600;
}
nav { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; }
nav a {
  padding: .3rem .8rem; border: 1px solid var(--line); border-radius: .4rem;
  text-decoration: none;
}
table { width: 100%; border-collapse: collapse; }
th, td { padding: .5rem 0 .5rem 1.25rem; text-align: left; vertical-align: baseline; }
th:first-child, td:first-child { padding-left: 0; }
th, small, .fact { white-space: nowrap; }
thead, tbody { border-bottom: 1px solid var(--line); }
tr.error td { padding-top: 0; }
td small { display: block; }
.number { text-align: right; }
.number, time { font-variant-numeric: tabular-nums; }
.state {
  display: inline-block; padding: 0 .6rem; border: 1px solid; border-radius: 1rem;
  font-size: .875rem; font-weight: 600; white-space: nowrap;
}
.worst.state { border-color: var(--bad); background: var(--bad); color: var(--paper); }
dl {
  display: grid; grid-template-columns: max-content 1fr; gap: .35rem 1rem; margin: 1rem 0;
  align-items: baseline;
}
dd { margin: 0; }
.families { max-width: 40rem; }
.families td { padding-top: .25rem; padding-bottom: .25rem; }
@media (max-width: 50rem) {
  .collectors thead { display: none; }
  .collectors, .collectors tbody, .collectors tr, .collectors td { display: block; }
  .collectors tbody { padding: .75rem 0; }
  .collectors td { padding: 0; }
  .collectors td.fact { display: inline-block; margin-right: 1rem; }
  .collectors td.fact::before { content: attr(data-name) " "; color: var(--soft); }
  .collectors td:empty { display: none; }
  td small { display: inline; }
}
"""
STYLE_HASH = "sha256-" + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""For the Content-Security-Policy: this style and no other."""
