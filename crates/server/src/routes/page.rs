//! `GET /`: a plain page. When the operator opened it for this machine, it lists the workspaces, the
//! newest events of one of them, and a search field; else it says how to send an event.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use proofbook_event::Event;
use proofbook_event::event::party_label;
use proofbook_query::{ListRequest, Page, Sort};

use crate::access::OpenPage;
use crate::app::App;
use crate::ask::{Which, ask_anywhere};
use crate::demo::{PRODUCTS, Product};
use crate::page::marked;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::sight::Sight;
use crate::tongue::{Tongue, Words};

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
pub(crate) async fn show(
    State(app): State<App>,
    open: Option<OpenPage>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let tongue = Tongue::asked(&headers);
    let (lang, say) = (tongue.tag(), tongue.words());
    let Some(open) = open else { return html(&Welcome { lang, say }) };
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
        return html(&Welcome { lang, say });
    };
    names.truncate(WORKSPACES);
    let query = params.text("q").unwrap_or_default().to_owned();
    let page = newest(&app, &open, &name, &params).await;
    let shown = |preset: &str| {
        let all = app.store.directory().all();
        all.iter().any(|workspace| workspace.settings.preset.as_deref() == Some(preset))
    };
    let products: Vec<&'static Product> =
        PRODUCTS.iter().filter(|product| shown(product.preset)).collect();
    let (found, problem) = match page {
        Ok(found) => (Some(found), None),
        Err(problem) => (None, Some(marked(&problem.detail))),
    };
    let events = found.iter().flat_map(|found| &found.events);
    let rows = events.map(|event| match event.event() {
        Ok(event) => Row::of(&event, say),
        Err(_) => Row::unreadable(),
    });
    html(&Home {
        lang,
        say,
        name: &name,
        names: &names,
        query: &query,
        products: &products,
        problem,
        total: found.as_ref().and_then(|found| found.total),
        complete: found.as_ref().is_none_or(|found| found.complete),
        rows: rows.collect(),
    })
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

/// The page of a server that shows nothing by itself.
#[derive(Template)]
#[template(path = "welcome.html")]
struct Welcome {
    lang: &'static str,
    say: &'static Words,
}

/// The page that shows the newest events of a workspace to this machine.
#[derive(Template)]
#[template(path = "home.html")]
struct Home<'h> {
    lang: &'static str,
    say: &'static Words,
    name: &'h str,
    /// Names need no encoding in an address.
    names: &'h [String],
    query: &'h str,
    products: &'h [&'static Product],
    /// Why there are no rows.
    problem: Option<String>,
    total: Option<u64>,
    complete: bool,
    rows: Vec<Row>,
}

/// A row; every text is one that a template escapes, with what would not be seen marked.
struct Row {
    moment: String,
    time: String,
    who: String,
    what: String,
    action: String,
    from: String,
    is_readable: bool,
}

impl Row {
    fn of(event: &Event<'_>, say: &Words) -> Self {
        let moment = event.clear.occurred_at.to_string();
        let who = event.actor().and_then(party_label).unwrap_or(&say.home_system);
        Self {
            time: moment.get(..19).unwrap_or(&moment).replace('T', " "),
            who: marked(who),
            what: marked(event.described("description").unwrap_or_default()),
            action: marked(event.action()),
            from: marked(event.context("ip").unwrap_or_default()),
            is_readable: true,
            moment,
        }
    }

    fn unreadable() -> Self {
        let none = String::new;
        Self {
            moment: none(),
            time: none(),
            who: none(),
            what: none(),
            action: none(),
            from: none(),
            is_readable: false,
        }
    }
}

fn html(template: &impl Template) -> Response {
    let Ok(body) = template.render() else {
        return Problem::new(Code::Internal, "the page could not be written").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, CSP),
    ];
    (headers, body).into_response()
}
