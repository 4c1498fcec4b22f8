//! `/demo/{preset}`: a product's page with its left menu, and the viewer in it as a customer would have
//! it; `/demo/{preset}/token` stands for the product's own back end.
//!
//! There only when the operator opened the server to this machine, as the demo does.

use askama::Template;
use axum::Json;
use axum::extract::{RawPathParams, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use crate::access::OpenPage;
use crate::app::App;
use crate::demo::{Item, PRODUCTS, Person, Product, product};
use crate::document_page::page;
use crate::notes;
use crate::page::Html;
use crate::params::Params;
use crate::problem::{Code, Problem};
use crate::routes::events::param;
use crate::routes::viewer_tokens::answer;
use crate::tongue::{Tongue, Words};
use crate::viewer::{TTL_SECONDS_MAX, Viewer, Warrant, refusal, role_label};

#[derive(Template)]
#[template(path = "demo.html")]
struct Page<'p> {
    tongue: &'static str,
    say: &'static Words,
    preset: &'p str,
    product: &'p str,
    at: &'p str,
    lang: Option<&'p str>,
    theme: Option<&'p str>,
    role: &'p str,
    roles: Vec<Choice>,
    products: Vec<Other>,
    /// Markup, escaped where it was made.
    menu: String,
    path: String,
    heading: &'p str,
    log_path: String,
    /// Escaped where it was made.
    log_address: String,
    is_log: bool,
    workspace: String,
}

struct Choice {
    role: &'static str,
    label: String,
    name: &'static str,
}

struct Other {
    preset: &'static str,
    product: &'static str,
}

/// Where the menu's log is, among the names of its pages.
const LOG: &str = "audit-log";

/// Answers a product's page.
pub(crate) async fn show(
    State(app): State<App>,
    open: Option<OpenPage>,
    path: RawPathParams,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let product = opened(open.as_ref(), &path)?;
    let params = Params::read(&uri, &["at", "role", "lang", "theme"])?;
    let person = person(product, &params)?;
    let at = params.text("at").unwrap_or_default();
    let workspace = workspace_of(&app, product)?;
    let catalog = catalog(&app, product)?;
    let (lang, theme) = (params.text("lang"), params.text("theme"));
    let tongue = lang.and_then(Tongue::parse).unwrap_or_else(|| Tongue::asked(&headers));
    let address = Address { preset: product.preset, role: person.role, lang, theme };
    let mut menu = Menu { address, at, html: Html::default(), heading: None };
    menu.items(product.menu, &[]);
    let heading = menu.heading.take();
    let mut log_address = Html::default();
    address.write(LOG, &mut log_address);
    let is_log = at == LOG;
    let log_path = product.log_path().join(" › ");
    let (heading, path) = match heading {
        Some((heading, path)) => (heading, path),
        None => (product.name, product.name.to_owned()),
    };
    let roles = product.people.iter().map(|person| Choice {
        role: person.role,
        label: role_label(&catalog, person.role),
        name: person.name,
    });
    let products = PRODUCTS.iter().map(|other| Other { preset: other.preset, product: other.name });
    Ok(page(&Page {
        tongue: tongue.tag(),
        say: tongue.words(),
        preset: product.preset,
        product: product.name,
        at,
        lang,
        theme,
        role: person.role,
        roles: roles.collect(),
        products: products.collect(),
        menu: menu.html.finish(),
        path,
        heading,
        log_path,
        log_address: log_address.finish(),
        is_log,
        workspace,
    }))
}

/// Answers a token for one of the product's people, as a product's back end would ask for it.
pub(crate) async fn token(
    State(app): State<App>,
    open: Option<OpenPage>,
    path: RawPathParams,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let product = opened(open.as_ref(), &path)?;
    if headers.contains_key("origin") && !crate::cors::is_same_site(&headers) {
        return Err(Problem::new(Code::CrossSite, "the demo's tokens are for its own pages"));
    }
    let params = Params::read(&uri, &["role"])?;
    let person = person(product, &params)?;
    let viewer = Viewer {
        workspace: workspace_of(&app, product)?,
        id: person.id.to_owned(),
        name: person.name.to_owned(),
        email: Some(person.email.to_owned()),
        role: person.role.to_owned(),
        filter: String::new(),
        columns: Vec::new(),
        origins: Vec::new(),
        manage: false,
        warrant: Warrant::Demo,
        expires_at: app.store.now().micros() + i64::from(TTL_SECONDS_MAX) * 1_000_000,
    };
    let catalog = catalog(&app, product)?;
    if !viewer.may_view(&catalog) {
        notes::denied(&app, &viewer.workspace, &viewer);
        return Err(refusal(&catalog, &viewer.role));
    }
    Ok((StatusCode::CREATED, Json(answer(&app, &viewer))).into_response())
}

fn opened(open: Option<&OpenPage>, path: &RawPathParams) -> Result<&'static Product, Problem> {
    let product = product(&param(path, "preset")?).filter(|_| open.is_some());
    product.ok_or_else(|| Problem::not_found("there is no such page; `proofbook demo` has them"))
}

fn person(product: &'static Product, params: &Params) -> Result<&'static Person, Problem> {
    let person = product.person(params.text("role"));
    person.ok_or_else(|| {
        let roles: Vec<&str> = product.people.iter().map(|person| person.role).collect();
        Problem::parameter("role", format!("`role` takes one of {}", roles.join(", ")))
    })
}

/// Finds the first workspace, by name, that follows the product's preset.
fn workspace_of(app: &App, product: &Product) -> Result<String, Problem> {
    let all = app.store.directory().all();
    let own = all
        .iter()
        .filter(|workspace| workspace.settings.preset.as_deref() == Some(product.preset))
        .map(|workspace| workspace.name.to_string())
        .min();
    own.ok_or_else(|| Problem::not_found("no workspace follows this preset yet"))
}

fn catalog(
    app: &App,
    product: &Product,
) -> Result<std::sync::Arc<proofbook_catalog::Catalog>, Problem> {
    crate::routes::catalogs::find(app, product.preset)
        .ok_or_else(|| Problem::not_found("there is no such preset"))
}

/// A menu being written.
struct Menu<'m> {
    address: Address<'m>,
    at: &'m str,
    html: Html,
    /// Heading and path of the page that is shown.
    heading: Option<(&'static str, String)>,
}

impl Menu<'_> {
    fn items(&mut self, items: &'static [Item], above: &[&'static str]) {
        for item in items {
            self.html.markup("<li>");
            match item {
                Item::Page(name) => self.link(name, &slug(above, name), above),
                Item::Log(name) => self.link(name, LOG, above),
                Item::Part(name, inner) => {
                    let within = [above, &[name]].concat();
                    let is_open = self.holds(inner, &within);
                    self.html.markup(if is_open {
                        "<details open><summary>"
                    } else {
                        "<details><summary>"
                    });
                    self.html.text(name).markup("</summary><ul>");
                    self.items(inner, &within);
                    self.html.markup("</ul></details>");
                }
            }
            self.html.markup("</li>");
        }
    }

    fn holds(&self, items: &[Item], above: &[&str]) -> bool {
        items.iter().any(|item| match item {
            Item::Page(name) => self.at == slug(above, name),
            Item::Log(_) => self.at == LOG,
            Item::Part(name, inner) => self.holds(inner, &[above, &[name]].concat()),
        })
    }

    fn link(&mut self, name: &'static str, at: &str, above: &[&'static str]) {
        self.html.markup("<a href=\"");
        self.address.write(at, &mut self.html);
        let is_here = self.at == at;
        self.html.markup(if is_here { "\" aria-current=\"page\">" } else { "\">" });
        self.html.text(name).markup("</a>");
        if is_here {
            self.heading = Some((name, [above, &[name]].concat().join(" › ")));
        }
    }
}

/// What the addresses of a product's pages have in common.
#[derive(Clone, Copy)]
struct Address<'m> {
    preset: &'static str,
    role: &'static str,
    lang: Option<&'m str>,
    theme: Option<&'m str>,
}

impl Address<'_> {
    fn write(self, at: &str, html: &mut Html) {
        html.markup("/demo/").text(self.preset).markup("?at=").query_value(at);
        html.markup("&amp;role=").query_value(self.role);
        if let Some(lang) = self.lang {
            html.markup("&amp;lang=").query_value(lang);
        }
        if let Some(theme) = self.theme {
            html.markup("&amp;theme=").query_value(theme);
        }
    }
}

fn slug(above: &[&str], name: &str) -> String {
    let words: Vec<String> = above
        .iter()
        .chain(&[name])
        .map(|name| {
            let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            parts.join("-").to_ascii_lowercase()
        })
        .collect();
    words.join(".")
}
