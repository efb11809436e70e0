#pragma once
// How the page looks. Contrast of text on each background is 4.5:1 or more, of
// borders 3:1, in both schemes: page_browser_test.py measures it.

#include <string_view>

namespace whichhop::diagnostics {

// What is known of a hop tells by colour, by the corners and the stroke of its
// box, and in its words.
inline constexpr std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--soft:#57606a;
--cause:#b3261e;--on-cause:#fff;--reporter:#ffb454;--on-reporter:#1b1f24;
--cleared:#1a7f37;--on-cleared:#fff;--unknown:#fff;--on-unknown:#1b1f24}
@media screen and (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;
--soft:#9da7b3;--unknown:#21262d;--on-unknown:#e6edf3}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:66rem;margin:0 auto;padding:1.5rem 1rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 .75rem}
h2{font-size:1.2rem;margin:1.5rem 0 .5rem}
h3{font-size:1rem;margin:1rem 0 .25rem}
p,ul{margin:0 0 .5rem}
ul{padding-left:1.25rem}
.lead{font-size:1.15rem}
code{font-family:ui-monospace,monospace}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.35rem .75rem;margin:.75rem 0}
dt{color:var(--soft)}
dd{margin:0}
figure{margin:1rem 0 0}
.columns{display:grid;gap:0 3rem}
@media (min-width:56rem){.columns{grid-template-columns:27rem minmax(0,1fr)}}
.tag{padding:0 .4rem;border:1px solid var(--fg);border-radius:.25rem;font-weight:600}
.tag.cause{background:var(--cause);color:var(--on-cause)}
.tag.reporter{background:var(--reporter);color:var(--on-reporter)}
.tag.cleared{background:var(--cleared);color:var(--on-cleared)}
.tag.unknown{background:var(--unknown);color:var(--on-unknown);border-style:dashed}
.diagram{display:block;width:100%;max-width:27rem;height:auto;font:600 16px system-ui,sans-serif;forced-color-adjust:none}
.link{fill:none;stroke:var(--fg);stroke-width:1.5}
.box rect{stroke:var(--fg);stroke-width:1.5;rx:4px}
.box text{stroke:none}
.box .state{font-size:15px}
.box .here{text-anchor:end;font-size:14px}
.unknown rect{fill:var(--unknown);stroke-dasharray:5 3}
.unknown text{fill:var(--on-unknown)}
.cleared rect{fill:var(--cleared)}
.cleared text{fill:var(--on-cleared)}
.reporter rect{fill:var(--reporter);stroke-width:3;rx:14px}
.reporter text{fill:var(--on-reporter)}
.cause rect{fill:var(--cause);stroke-width:4;rx:0}
.cause text{fill:var(--on-cause)}
.cause.reporter rect{stroke:var(--reporter)}
@media print{*{print-color-adjust:exact}main{padding:0}.box,section,figure{break-inside:avoid}}
)css";

}  // namespace whichhop::diagnostics
