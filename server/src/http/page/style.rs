//! The page's one style sheet: plain, large, high contrast, usable at 320 pixels, dark where the reader wants it dark.

use actix_web::HttpResponse;
use actix_web::http::header;

const CSS: &str = "
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #ffffff; --line: #6b6b6b; --soft: #f0f2f4; --mark: #0b4f8a;
  --warn: #7a2e00; --warn-soft: #fff3e6; --red: #9b0000; --red-soft: #ffeceb; }
@media (prefers-color-scheme: dark) { :root { --ink: #f0f0f0; --paper: #16181a; --line: #9a9a9a; --soft: #23272a;
  --mark: #8ec7ff; --warn: #ffc999; --warn-soft: #3a2413; --red: #ffb3ad; --red-soft: #421613; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 0 1rem 4rem; font: 1.0625rem/1.55 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }
a { color: var(--mark); }
.wide:focus-visible, a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible, textarea:focus-visible, summary:focus-visible {
  outline: 3px solid var(--mark); outline-offset: 2px; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--paper); padding: 0.5rem; }
header { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: center; justify-content: space-between;
  border-bottom: 2px solid var(--line); padding: 0.75rem 0; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1.5rem 0 0.5rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.25rem 0 0.5rem; }
h3 { font-size: 1.0625rem; margin: 1.25rem 0 0.25rem; }
p { margin: 0.5rem 0; max-width: 44rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: 0.25rem 0; font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: 0.4rem 0.75rem 0.4rem 0; border-bottom: 1px solid var(--line); min-width: 6rem; overflow-wrap: break-word; }
tbody th { font-weight: 600; min-width: 10rem; }
.note { background: var(--soft); border-left: 4px solid var(--mark); padding: 0.5rem 1rem; margin: 0.75rem 0; }
.warning { background: var(--warn-soft); border-left: 4px solid var(--warn); color: var(--warn); padding: 0.5rem 1rem; margin: 0.75rem 0; }
nav a { display: inline-block; padding: 0.5rem 0.75rem 0.5rem 0; }
footer { margin-top: 3rem; padding-top: 0.75rem; border-top: 1px solid var(--line); }
.warning.red { background: var(--red-soft); border-left-color: var(--red); color: var(--red); }
ul.needs { list-style: none; padding: 0; margin: 0; max-width: 44rem; }
ul.needs li { padding: 0.5rem 0.75rem; margin: 0.5rem 0; background: var(--soft); border-left: 4px solid var(--mark); }
ul.needs li.red { background: var(--red-soft); border-left-color: var(--red); color: var(--red); }
ul.needs li.red a { color: inherit; }
summary { padding: 0.5rem 0; cursor: pointer; }
section > details { border-bottom: 1px solid var(--line); }
ul.history { list-style: none; padding: 0; }
fieldset { border: 1px solid var(--line); margin: 1rem 0; padding: 0.5rem 1rem 1rem; min-width: 0; }
legend { font-weight: 600; padding: 0 0.25rem; }
label { display: block; margin: 0.6rem 0 0.15rem; }
label.choice { display: flex; gap: 0.6rem; align-items: baseline; margin: 0.6rem 0; }
input, select, textarea, button { font: inherit; color: inherit; }
input:not([type=radio]):not([type=checkbox]), select, textarea { width: 100%; max-width: 30rem; padding: 0.5rem;
  border: 1px solid var(--line); border-radius: 4px; background: var(--paper); }
button { min-height: 2.75rem; padding: 0.4rem 1.1rem; border: 2px solid var(--mark); border-radius: 4px; background: var(--paper);
  color: var(--mark); font-weight: 600; cursor: pointer; }
button.danger { border-color: var(--red); color: var(--red); }
button.main { background: var(--mark); color: var(--paper); }
form.line { display: inline-block; margin: 0.25rem 0.5rem 0.25rem 0; }
small, .quiet { font-size: 0.9375rem; }
[hidden] { display: none; }
dl { margin: 0; } dt { font-weight: 600; margin-top: 0.6rem; } dd { margin: 0; }
svg.code { width: min(20rem, 100%); height: auto; background: #ffffff; color: #000000; }
code { font-size: 1.0625rem; }
";

/// The style sheet.
pub(super) async fn sheet() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/css; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "max-age=3600"))
        .body(CSS)
}
