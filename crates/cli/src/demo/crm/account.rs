//! Plans, billing and the account's settings; and how everything stands when the story begins.

use super::*;

impl World {
    pub(super) fn set_up(mut stage: Stage, setting: &'static Setting) -> Self {
        let dice = &mut stage.dice;
        let owner = &setting.people[0];
        let mut territories = Vec::new();
        let mut rules = Vec::new();
        for (index, (name, description)) in setting.territories.iter().enumerate() {
            let doc = json!({"name": name, "description": description});
            territories.push(Thing::new("territory", fresh_id(dice, "ter"), doc));
            if index < 3 {
                rules.push(parts::new_rule(dice, setting, &format!("{name}: new leads"), name));
            }
        }
        let sequences = setting.sequences[..2].iter().map(|name| parts::new_sequence(dice, name));
        let sequences = sequences.collect();
        let workflows =
            setting.workflows[..3].iter().map(|pattern| parts::new_workflow(dice, pattern));
        let workflows = workflows.collect();
        let settings = json!({
            "name": setting.company,
            "primary_contact": {"name": owner.name, "email": owner.email},
            "timezone": "Europe/Berlin", "currency": "USD", "language": "en",
            "date_format": "MM/DD/YYYY", "time_format": "12h",
            "intelligent_lead_scoring": false, "automatic_profile_enrichment": false,
            "prevent_email_to_do_not_disturb": false,
        });
        let plan = json!({
            "name": "Subscription", "plan": "Growth", "user_licenses": 25,
            "billing_cycle": "annually", "phone_credits": 20, "billing_currency": "USD",
        });
        Self {
            subscription: Thing::new("subscription", fresh_id(dice, "sub"), plan),
            account: Thing::new("account", fresh_id(dice, "acc"), settings),
            stage,
            setting,
            territories,
            rules,
            sequences,
            workflows,
        }
    }

    /// Plans and billing, account and CRM settings.
    pub(super) fn account(&mut self, action: &'static str, at: i64) -> Happening {
        let by = self.admin();
        let dice = &mut self.stage.dice;
        let account = &mut self.account;
        let mut happening = Happening::new(at, by, action);
        let target = match action {
            "plan.trial_change" | "phone_credits.add" => self.subscription.target(),
            _ => account.target(),
        };
        let sides = match action {
            "plan.trial_change" => {
                happening = happening.and("metadata", json!({"trial_ends_in_days": 6}));
                self.subscription.doc["plan"] = json!("Growth");
                self.subscription.set(&["plan"], "Pro")
            }
            "phone_credits.add" => {
                let added = 25 * (1 + dice.below(4) as u64);
                happening = happening.and("metadata", json!({"added": added}));
                self.subscription.edit(&["phone_credits"], |credits| {
                    *credits = json!(credits.as_u64().unwrap_or_default() + added);
                })
            }
            "account.primary_contact.update" => {
                let now = account.at(&["primary_contact", "name"]).clone();
                let people: Vec<&Person> =
                    self.setting.people[..4].iter().filter(|person| now != person.name).collect();
                let next = *dice.pick(&people);
                account.set(&["primary_contact"], json!({"name": next.name, "email": next.email}))
            }
            "account.timezone.update" => account.choose(&["timezone"], ZONES, dice),
            "account.currency.update" => account.choose(&["currency"], CURRENCIES, dice),
            "account.language.update" => {
                account.choose(&["language"], &["en", "de", "es", "fr", "ja"], dice)
            }
            "account.date_format.update" => account.choose(&["date_format"], DATES, dice),
            "account.time_format.update" => account.choose(&["time_format"], &["12h", "24h"], dice),
            "account.settings.update" => {
                let before = account.only(&["timezone", "date_format", "time_format"]);
                account.choose(&["timezone"], ZONES, dice);
                account.choose(&["date_format"], DATES, dice);
                account.choose(&["time_format"], &["12h", "24h"], dice);
                Sides::both(before, account.only(&["timezone", "date_format", "time_format"]))
            }
            _ => {
                let (feature, verb) = action.split_once('.').unwrap_or((action, ""));
                let key = match feature {
                    "lead_scoring" => "intelligent_lead_scoring",
                    "profile_enrichment" => "automatic_profile_enrichment",
                    _ => "prevent_email_to_do_not_disturb",
                };
                account.switch(&[key], verb == "enable")
            }
        };
        happening.on(target).with(sides)
    }

    /// A subscription event: what it changes, and its metadata.
    pub(super) fn plan(
        &mut self,
        at: i64,
        by: By,
        action: &'static str,
        next: (&str, u64),
        metadata: Value,
    ) {
        const PLAN: &[&str] = &["plan", "user_licenses", "billing_cycle"];
        let before = self.subscription.only(PLAN);
        self.subscription.set(&["plan"], next.0);
        self.subscription.set(&["user_licenses"], next.1);
        let after = self.subscription.only(PLAN);
        let sides = if action == "plan.subscribe" {
            Sides::created(after)
        } else {
            Sides::both(before, after)
        };
        let mut happening =
            Happening::new(at, by, action).on(self.subscription.target()).with(sides);
        if !metadata.is_null() {
            happening = happening.and("metadata", metadata);
        }
        self.stage.record(happening);
    }
}

const ZONES: &[&str] =
    &["Europe/Berlin", "Asia/Kolkata", "Asia/Singapore", "Europe/Madrid", "Africa/Lagos", "UTC"];
const CURRENCIES: &[&str] = &["USD", "EUR", "CHF", "SGD"];
const DATES: &[&str] = &["MM/DD/YYYY", "DD.MM.YYYY", "YYYY-MM-DD"];
