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

/// Returns the address of a workspace's audit log.
pub fn to_log(
    public_url: Option<&str>,
    settings: &WorkspaceSettings,
    workspace: &str,
) -> Option<String> {
    if let Some(viewer_url) = &settings.viewer_url {
        return Some(url::Url::parse(viewer_url).ok()?.into());
    }
    let mut url = url::Url::parse(public_url?).ok()?;
    url.path_segments_mut().ok()?.pop_if_empty().extend(["w", workspace]);
    Some(url.into())
}

/// Returns the address at which a workspace's notifications are switched.
pub fn to_notifications(
    public_url: Option<&str>,
    settings: &WorkspaceSettings,
    workspace: &str,
) -> Option<String> {
    to_part(public_url, settings, workspace, "notifications")
}

/// Returns the address at which a workspace's audit log is exported.
pub fn to_export(
    public_url: Option<&str>,
    settings: &WorkspaceSettings,
    workspace: &str,
) -> Option<String> {
    to_part(public_url, settings, workspace, "export")
}

fn to_part(
    public_url: Option<&str>,
    settings: &WorkspaceSettings,
    workspace: &str,
    part: &str,
) -> Option<String> {
    let mut url = url::Url::parse(&to_log(public_url, settings, workspace)?).ok()?;
    url.query_pairs_mut().append_pair(part, "1");
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
