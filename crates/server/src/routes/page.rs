//! `GET /`: a plain page. When the operator opened it for this machine, it lists the workspaces, the
//! newest events of one of them, and a search field; else it says how to send an event.

use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use proofbook_event::Event;
use proofbook_event::event::party_label;
use proofbook_query::{ListRequest, Page, Sort};

use crate::access::OpenPage;
use crate::app::App;
use crate::ask::{Which, ask_anywhere};
use crate::demo::{PRODUCTS, Product};
use crate::page::Html;
use crate::params::Params;
use crate::problem::Problem;
use crate::sight::Sight;

const STYLE: &str = include_str!("page.css");
/// For pages: our own style sheet and form, nothing else.
const CSP: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// Rows of the page.
const ROWS: usize = 50;
/// Workspaces that the page names.
const WORKSPACES: usize = 50;

/// Answers the style sheet.
pub(crate) async fn style() -> Response {
    let cache = (header::CACHE_CONTROL, "public, max-age=3600");
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), cache], STYLE).into_response()
}

/// Answers the page.
pub(crate) async fn show(State(app): State<App>, open: Option<OpenPage>, uri: Uri) -> Response {
    let Some(open) = open else { return html(welcome()) };
    let params = match Params::read(&uri, &["workspace", "q", "from", "to", "tz"]) {
        Ok(params) => params,
        Err(problem) => return problem.into_response(),
    };
    let mut names: Vec<String> = app
        .store
        .directory()
        .all()
        .iter()
        .map(|workspace| workspace.name.to_string())
        .filter(|name| !name.starts_with('_'))
        .collect();
    names.sort_unstable();
    let Some(name) = params.text("workspace").map(str::to_owned).or_else(|| names.first().cloned())
    else {
        return html(welcome());
    };
    names.truncate(WORKSPACES);
    let query = params.text("q").unwrap_or_default().to_owned();
    let page = newest(&app, &open, &name, &params).await;
    let shown = |preset: &str| {
        let all = app.store.directory().all();
        all.iter().any(|workspace| workspace.settings.preset.as_deref() == Some(preset))
    };
    let products: Vec<&Product> = PRODUCTS.iter().filter(|product| shown(product.preset)).collect();
    html(list(&names, &name, &query, page, &products))
}

async fn newest(app: &App, open: &OpenPage, name: &str, params: &Params) -> Result<Page, Problem> {
    let which = Which::read(app, params, &Sight::everything())?;
    let request = ListRequest {
        filter: which.filter,
        filter_hash: which.hash,
        sort: Sort::NewestFirst,
        limit: ROWS,
        cursor: None,
        page: None,
    };
    let name = open.workspace(name);
    ask_anywhere(app, name, move |reader, budget| Ok(reader.list(request, budget)?)).await
}

fn html(body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, CSP),
    ];
    (headers, body).into_response()
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
<title>Proofbook</title><link rel=\"icon\" href=\"/page/icon.svg\" type=\"image/svg+xml\">\
<link rel=\"stylesheet\" href=\"/page.css\"></head><body>";

fn welcome() -> String {
    let mut page = Html::default();
    page.markup(HEAD).markup(
        "<header><h1>Proofbook</h1></header><main><p>The server runs. Send an event:</p>\
<pre>curl -H \"Authorization: Bearer $PROOFBOOK_KEY\" -d '{\"workspace\":\"acme\",\
\"action\":\"project.create\"}' http://127.0.0.1:7676/v1/events</pre>\
<p>Every call is described in <a href=\"/openapi.json\">/openapi.json</a>.</p></main></body></html>\n",
    );
    page.finish()
}

fn list(
    names: &[String],
    name: &str,
    query: &str,
    found: Result<Page, Problem>,
    products: &[&Product],
) -> String {
    let mut page = Html::default();
    page.markup(HEAD).markup("<header><h1>Audit log</h1><span class=\"quiet\">").text(name);
    page.markup("</span></header>");
    if !products.is_empty() {
        page.markup("<nav aria-label=\"Products\"><span class=\"quiet\">Inside a product:</span>");
        for product in products {
            page.markup("<a href=\"/demo/").text(product.preset).markup("\">");
            page.text(product.name).markup("</a>");
        }
        page.markup("</nav>");
    }
    page.markup("<nav aria-label=\"Workspaces\">");
    for other in names {
        page.markup("<a href=\"/?workspace=").query_value(other);
        page.markup(if other == name { "\" aria-current=\"page\">" } else { "\">" });
        page.text(other).markup("</a>");
    }
    page.markup("</nav><main><form role=\"search\" method=\"get\" action=\"/\">");
    page.markup("<input type=\"hidden\" name=\"workspace\" value=\"").text(name);
    page.markup("\"><input type=\"search\" name=\"q\" aria-label=\"Search\" placeholder=\"actor:ada action:project.* outcome:denied\" value=\"");
    page.text(query).markup("\"><button>Search</button></form>");
    match found {
        Err(problem) => {
            page.markup("<p class=\"problem\">").text(&problem.detail).markup("</p>");
        }
        Ok(found) => rows(&mut page, &found),
    }
    page.markup("</main></body></html>\n");
    page.finish()
}

fn rows(page: &mut Html, found: &Page) {
    page.markup("<p class=\"quiet\">");
    match found.total {
        Some(1) => page.markup("1 event"),
        Some(total) => page.text(&total.to_string()).markup(" events"),
        None => page.markup("The total is not known exactly"),
    };
    if !found.complete {
        page.markup("; a part of the log could not be read");
    }
    page.markup(
        "</p><table><thead><tr><th>Time (UTC)</th><th>Who</th><th>What</th>\
<th>Action</th><th>From</th></tr></thead><tbody>",
    );
    for event in &found.events {
        match event.event() {
            Ok(event) => row(page, &event),
            Err(_) => {
                page.markup("<tr><td colspan=\"5\">This event could not be read</td></tr>");
            }
        }
    }
    page.markup("</tbody></table>");
}

fn row(page: &mut Html, event: &Event<'_>) {
    let time = event.clear.occurred_at.to_string();
    page.markup("<tr><td><time datetime=\"").text(&time).markup("\">");
    page.text(&time.get(..19).unwrap_or(&time).replace('T', " ")).markup("</time></td><td>");
    page.text(event.actor().and_then(party_label).unwrap_or("System")).markup("</td><td>");
    page.text(event.described("description").unwrap_or_default()).markup("</td><td><code>");
    page.text(event.action()).markup("</code></td><td>");
    page.text(event.context("ip").unwrap_or_default()).markup("</td></tr>");
}
