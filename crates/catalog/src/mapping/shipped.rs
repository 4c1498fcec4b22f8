//! The mappings that come with Proofbook, embedded; one line each.

/// Name and title of each shipped mapping.
pub const SHIPPED: &[(&str, &str)] = &[
    ("cloudtrail", "AWS CloudTrail"),
    ("github", "GitHub audit log"),
    ("okta", "Okta System Log"),
    ("kubernetes", "Kubernetes audit log"),
    ("workos", "WorkOS Audit Logs"),
    ("retraced", "Retraced"),
];

/// Name and file of each shipped mapping, in the order of [`SHIPPED`].
pub(super) const FILES: &[(&str, &str)] = &[
    ("cloudtrail", include_str!("../../../../mappings/cloudtrail.toml")),
    ("github", include_str!("../../../../mappings/github.toml")),
    ("okta", include_str!("../../../../mappings/okta.toml")),
    ("kubernetes", include_str!("../../../../mappings/kubernetes.toml")),
    ("workos", include_str!("../../../../mappings/workos.toml")),
    ("retraced", include_str!("../../../../mappings/retraced.toml")),
];
