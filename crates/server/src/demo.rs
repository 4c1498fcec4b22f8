//! The products of the demo: their left menus and the people who can be signed in.
//!
//! Data only. Names of people are those of the demo's stories, so that the switch of roles finds
//! whom the log tells about. Menus are as far as the help pages in `products/` name them, filled up
//! with plain words.

/// One product.
#[derive(Debug)]
pub(crate) struct Product {
    /// Its preset.
    pub(crate) preset: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// Its left menu.
    pub(crate) menu: &'static [Item],
    /// Who can be signed in, the first being the one who is at the beginning.
    pub(crate) people: &'static [Person],
}

/// One entry of a menu.
#[derive(Debug)]
pub(crate) enum Item {
    /// A page of the product.
    Page(&'static str),
    /// The page with the audit log.
    Log(&'static str),
    /// A part that opens.
    Part(&'static str, &'static [Item]),
}

/// Somebody with a role.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) role: &'static str,
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
}

use Item::{Log, Page, Part};

const fn person(
    role: &'static str,
    id: &'static str,
    name: &'static str,
    email: &'static str,
) -> Person {
    Person { role, id, name, email }
}

/// Every product of the demo.
pub(crate) const PRODUCTS: &[Product] = &[
    Product {
        preset: "clickfunnels-workspace",
        name: "ClickFunnels",
        menu: &[
            Page("Dashboard"),
            Page("Funnels"),
            Page("Contacts"),
            Page("Products"),
            Page("Affiliates"),
            Page("Sales"),
            Part(
                "Workspace Settings",
                &[Page("General"), Page("Team Members"), Page("Payments"), Log("Audit Logs")],
            ),
        ],
        people: &[
            person("owner", "usr_1001", "Olivia Hart", "olivia@bluebird.example"),
            person("admin", "usr_1004", "Priya Nair", "priya@bluebird.example"),
            person("editor", "usr_1003", "Jonas Weber", "jonas@bluebird.example"),
            person("affiliate_manager", "usr_1002", "Maya Chen", "maya@bluebird.example"),
        ],
    },
    Product {
        preset: "messagehub",
        name: "MessageHub",
        menu: &[
            Page("Dashboard"),
            Page("Contacts"),
            Part(
                "MessageHub",
                &[
                    Page("Conversations"),
                    Page("Reports"),
                    Part(
                        "Chat Settings ⚙",
                        &[Page("Agents"), Page("Teams"), Page("Inboxes"), Log("Audit Logs")],
                    ),
                ],
            ),
        ],
        people: &[
            person("owner", "u_1", "Ingrid Solberg", "ingrid@velonord.example"),
            person("admin", "u_2", "Tomás Vieira", "tomas@velonord.example"),
            person("agent", "u_3", "Sofie Dahl", "sofie@velonord.example"),
        ],
    },
    Product {
        preset: "cloudfon-cx",
        name: "Cloudfon CX",
        menu: &[
            Page("Dashboard"),
            Page("Users"),
            Page("Numbers"),
            Part("Logs", &[Page("Call Log"), Log("Audit Log")]),
            Page("Settings"),
        ],
        people: &[
            person("account_admin", "71", "Siti Rahman", "siti@harbor.example"),
            person("admin", "72", "Daniel Okoye", "daniel@harbor.example"),
            person("agent", "74", "Pete Sullivan", "pete@harbor.example"),
        ],
    },
    Product {
        preset: "freshsales",
        name: "Freshsales",
        menu: &[
            Page("Contacts"),
            Page("Accounts"),
            Page("Deals"),
            Part(
                "Admin Settings",
                &[
                    Page("Users & Teams"),
                    Part(
                        "Account Settings",
                        &[Page("Account Details"), Page("Plans & Billing"), Log("Audit Log")],
                    ),
                ],
            ),
        ],
        people: &[
            person("account_admin", "501", "Beatrix Lang", "beatrix@northwind.example"),
            person("admin", "502", "Arjun Mehta", "arjun@northwind.example"),
            person("sales", "504", "Felix Brandt", "felix@northwind.example"),
        ],
    },
    Product {
        preset: "clienwork",
        name: "Clienwork",
        menu: &[
            Page("Projects"),
            Page("Team"),
            Part(
                "Workspace",
                &[
                    Page("Overview"),
                    Part(
                        "Settings",
                        &[Page("General"), Page("Members"), Page("API Keys"), Log("Audit")],
                    ),
                ],
            ),
        ],
        people: &[
            person("owner", "mem_01", "Helena Marques", "helena@lumen.example"),
            person("admin", "mem_02", "Ben Adeyemi", "ben@lumen.example"),
            person("member", "mem_03", "Yara Haddad", "yara@lumen.example"),
        ],
    },
];

/// Finds a product by its preset.
pub(crate) fn product(preset: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.preset == preset)
}

impl Product {
    /// Returns the steps to the audit log, the log last.
    pub(crate) fn log_path(&self) -> Vec<&'static str> {
        fn walk(items: &'static [Item], path: &mut Vec<&'static str>) -> bool {
            items.iter().any(|item| match item {
                Page(_) => false,
                Log(name) => {
                    path.push(name);
                    true
                }
                Part(name, items) => {
                    path.push(name);
                    walk(items, path) || path.pop().is_none()
                }
            })
        }
        let mut path = Vec::new();
        walk(self.menu, &mut path);
        path
    }

    /// Finds whom a role signs in as; the first person without one.
    pub(crate) fn person(&self, role: Option<&str>) -> Option<&'static Person> {
        match role {
            None => self.people.first(),
            Some(role) => self.people.iter().find(|person| person.role == role),
        }
    }
}

#[cfg(test)]
mod tests;
