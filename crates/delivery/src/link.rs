//! The address under which an event can be looked at. No credential is ever part of it.

use proofbook_store::config::WorkspaceSettings;

/// Returns the address of an event: in the product when it says where its viewer is, so that the host
/// signs the reader in; else on our own page; `None` when neither address is known.
pub fn to_event(
    public_url: Option<&str>,
    settings: &WorkspaceSettings,
    workspace: &str,
    event: &str,
) -> Option<String> {
    if let Some(viewer_url) = &settings.viewer_url {
        let mut url = url::Url::parse(viewer_url).ok()?;
        url.query_pairs_mut().append_pair("event", event);
        return Some(url.into());
    }
    let mut url = url::Url::parse(public_url?).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["w", workspace, "e", event]);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(public: Option<&str>, viewer: Option<&str>, expected: Option<&str>) {
        let settings = WorkspaceSettings {
            viewer_url: viewer.map(str::to_owned),
            ..WorkspaceSettings::default()
        };
        let link = to_event(public, &settings, "acme", "a:1.b");
        assert_eq!(link.as_deref(), expected, "{public:?} {viewer:?}");
    }

    #[test]
    fn p5_the_products_own_viewer_comes_first() {
        let ours = Some("https://log.example/base/");
        check(None, None, None);
        check(ours, None, Some("https://log.example/base/w/acme/e/a:1.b"));
        check(
            ours,
            Some("https://app.example/audit"),
            Some("https://app.example/audit?event=a%3A1.b"),
        );
        check(
            None,
            Some("https://app.example/a?ws=1#x"),
            Some("https://app.example/a?ws=1&event=a%3A1.b#x"),
        );
    }
}
