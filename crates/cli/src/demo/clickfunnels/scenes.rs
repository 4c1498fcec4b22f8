//! What happens once in the coaching workspace, and how its things come into being.

use super::*;

impl World {
    pub(super) fn owner_secures_the_account(&mut self, at: i64) {
        for (minute, person) in [(0, &OLIVIA), (9, &PRIYA), (21, &JONAS)] {
            self.stage.record(mfa(at + minute * MINUTE, person, true));
        }
    }

    pub(super) fn stripe_is_connected(&mut self, at: i64) {
        let thing = stripe("acct_1Qx77bluebird", "Stripe US", "test");
        let add = |at| {
            Happening::new(at, By::Person(&PRIYA), "stripe_installation.create").on(thing.target())
        };
        self.stage.record(add(at).and(
            "outcome",
            json!({"result": "failure", "code": "account_not_verified", "reason": "Stripe has not verified this account yet"}),
        ));
        let made = thing.only(&["account", "mode"]);
        self.stage.record(add(at + 41 * MINUTE).with(Sides::created(made)));
        let mut live = thing.clone();
        let sides = live.set(&["mode"], "live");
        let go_live =
            Happening::new(at + 52 * MINUTE, By::Person(&OLIVIA), "stripe_installation.update");
        self.stage.record(go_live.on(live.target()).with(sides));
        self.stripe.push(live);
    }

    pub(super) fn fake_sign_ups_are_removed(&mut self, at: i64) {
        let reason = "Several accounts, one payout address";
        let request = self.stage.request_id();
        let mut fakes = Vec::new();
        for number in 0..18 {
            let thing = new_affiliate(&mut self.stage.dice, Some(number));
            let made = thing.only(&["name", "email", "campaign", "commission_plan", "status"]);
            let sign_up = Happening::new(at + number * MINUTE / 3, PORTAL, "affiliate.create");
            self.stage.record(sign_up.on(thing.target()).with(Sides::created(made)));
            let ban =
                Happening::new(at + 8 * MINUTE + number * 400_000, By::System, "affiliate.ban");
            self.stage.record(
                ban.on(thing.target())
                    .with(banned(reason))
                    .and("metadata", json!({"rule": "same-payout-address", "score": 97})),
            );
            fakes.push(thing);
        }
        for (number, thing) in (0..).zip(&fakes) {
            let gone = Happening::new(
                at + 47 * MINUTE + number * 210_000,
                By::Person(&MAYA),
                "affiliate.destroy",
            );
            let sides = Sides::deleted(thing.only(&["name", "email", "status"]));
            self.stage.record(
                gone.on(thing.target()).with(sides).in_request(&request).and("reason", reason),
            );
        }
    }

    pub(super) fn support_repairs_a_checkout(&mut self, at: i64) {
        let by = By::Impersonating {
            supporter: &SUPPORT,
            member: &OLIVIA,
            ticket: "Ticket 48213: checkout shows the wrong currency",
        };
        let approval = json!({"id": "apr_48213", "by": OLIVIA.party("user"), "at": Timestamp::from_micros(at - 9 * MINUTE).to_string()});
        for (minute, currency) in [(0, "EUR"), (17, "USD")] {
            let sides = self.products[1].set(&["currency"], currency);
            let target = self.products[1].target();
            let change = Happening::new(at + minute * MINUTE, by, "product.update");
            self.stage.record(change.on(target).with(sides).and("approval", approval.clone()));
        }
    }

    pub(super) fn a_member_turns_mfa_off(&mut self, at: i64) {
        self.stage.record(mfa(at, &JONAS, false).and("reason", "New phone, the old one is lost"));
        self.stage.record(mfa(at + 43 * MINUTE, &JONAS, true));
    }

    pub(super) fn old_stripe_account_goes(&mut self, at: i64) {
        let thing = stripe("acct_1Bb03bluebird", "Stripe (old)", "live");
        let gone = Happening::new(at, By::Person(&OLIVIA), "stripe_installation.destroy");
        let sides = Sides::deleted(thing.only(&["account", "mode"]));
        self.stage.record(gone.on(thing.target()).with(sides));
    }

    /// The example of the product's own page.
    pub(super) fn three_members(&mut self, at: i64) {
        let mut campaign = new_affiliate(&mut self.stage.dice, None);
        campaign.doc["name"] = json!("Spring Launch Partners");
        campaign.doc["email"] = json!("partners@springlaunch.example");
        campaign.doc["campaign"] = json!("Spring Launch");
        campaign.doc["commission_plan"] = json!("Gold");
        let made = campaign.only(&["name", "email", "campaign", "commission_plan", "status"]);
        let create = Happening::new(at, By::Person(&MAYA), "affiliate.create");
        self.stage.record(create.on(campaign.target()).with(Sides::created(made)));
        self.affiliates.push(campaign);

        let product = &mut self.products[1];
        product.doc["price"] = json!("49.00");
        let sides = product.set(&["price"], "59.00");
        let target = product.target();
        let update = Happening::new(at + 66 * MINUTE, By::Person(&JONAS), "product.update");
        self.stage.record(update.on(target).with(sides));

        let before = json!({ "methods": self.methods });
        for method in &mut self.methods {
            method["default"] = json!(false);
        }
        self.methods.push(
            json!({"id": "pm_4444", "brand": "mastercard", "last4": "4444", "default": true}),
        );
        let after = json!({ "methods": self.methods });
        let update = Happening::new(at + 151 * MINUTE, By::Person(&PRIYA), "payment_method.update");
        self.stage.record(update.on(payment_methods()).with(Sides::both(before, after)));
    }
}

/// An affiliate who has just signed up; a numbered one is a fake.
pub(super) fn new_affiliate(dice: &mut Dice, fake: Option<i64>) -> Thing {
    let (first, last) = (*dice.pick(FIRST), *dice.pick(LAST));
    let email = match fake {
        Some(number) => format!("promo{}@quickcash.example", 4_107 + number),
        None => format!("{}.{}@mail.example", plain(first), plain(last)),
    };
    let doc = json!({
        "name": format!("{first} {last}"),
        "email": email,
        "campaign": dice.pick(CAMPAIGNS),
        "commission_plan": "Standard",
        "status": "pending",
        "approved": false,
        "banned": false,
    });
    Thing::new("affiliate", fresh_id(dice, "aff"), doc)
}

pub(super) fn new_collaborator(dice: &mut Dice) -> Thing {
    let (first, last) = (*dice.pick(FIRST), *dice.pick(LAST));
    let email = format!("{}@{}-studio.example", plain(first), plain(last));
    let doc = json!({"name": format!("{first} {last}"), "email": email, "roles": ["editor"]});
    Thing::new("collaborator", fresh_id(dice, "col"), doc)
}

/// A name as it stands in an address: lower case, plain letters.
fn plain(name: &str) -> String {
    let letter = |letter: char| match letter {
        'Ł' => 'l',
        'é' | 'ë' => 'e',
        'ö' => 'o',
        'ı' => 'i',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(letter).collect()
}

pub(super) fn stripe(account: &str, name: &str, mode: &str) -> Thing {
    Thing::new(
        "stripe_installation",
        account,
        json!({"account": account, "name": name, "mode": mode}),
    )
}

pub(super) fn banned(reason: &str) -> Sides {
    Sides::both(json!({"banned": false}), json!({"banned": true, "ban_reason": reason}))
}

fn mfa(at: i64, person: &'static Person, on: bool) -> Happening {
    let sides = if on {
        Sides::both(json!({"mfa": false}), json!({"mfa": true, "method": "totp"}))
    } else {
        Sides::both(json!({"mfa": true}), json!({"mfa": false}))
    };
    let action = if on { "mfa.enable" } else { "mfa.disable" };
    Happening::new(at, By::Person(person), action).on(person.target("user")).with(sides)
}

pub(super) fn payments_ai() -> Value {
    json!({"type": "payments_ai", "id": "payments_ai", "name": "Payments AI"})
}

pub(super) fn payment_methods() -> Value {
    json!({"type": "payment_method", "id": "payment_methods", "name": "Payment methods"})
}
