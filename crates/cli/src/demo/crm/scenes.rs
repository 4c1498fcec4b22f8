//! What happens once in the life of the two companies.

use super::*;
use crate::demo::stage::MINUTE;

impl World {
    fn boss(&self) -> By {
        By::Person(&self.setting.people[0])
    }

    pub(super) fn the_plan_is_bought(&mut self, at: i64) {
        let by = self.boss();
        let change = Happening::new(at - 4 * MINUTE, by, "billing_currency.update");
        self.subscription.doc["billing_currency"] = json!("USD");
        let sides = self.subscription.set(&["billing_currency"], "EUR");
        self.stage.record(change.on(self.subscription.target()).with(sides));
        let declined = json!({"result": "failure", "code": "card_declined", "reason": "The bank declined the card"});
        let first = Happening::new(at, by, "plan.subscribe").on(self.subscription.target());
        let wanted = json!({"plan": "Growth", "user_licenses": 25, "billing_cycle": "annually"});
        self.stage.record(first.with(Sides::created(wanted)).and("outcome", declined));
        self.plan(at + 11 * MINUTE, by, "plan.subscribe", ("Growth", 25), Value::Null);
    }

    pub(super) fn the_team_grows(&mut self, at: i64) {
        self.plan(at, self.boss(), "plan.upgrade", ("Pro", 30), json!({"licenses_added": 5}));
    }

    pub(super) fn the_team_shrinks(&mut self, at: i64) {
        self.plan(
            at,
            self.boss(),
            "plan.downgrade",
            ("Growth", 27),
            json!({"licenses_removed": 3}),
        );
    }

    /// The page's own example of a renamed territory; the other company renames its first one.
    pub(super) fn emea_becomes_europe(&mut self, at: i64) {
        let territory = &mut self.territories[0];
        let name = if territory.name() == "EMEA" { "Europe" } else { "Central Europe" };
        let sides = territory.set(&["name"], name);
        let target = territory.clone();
        let url = self.page("territories", &target.id);
        let by = By::Person(&self.setting.people[1]);
        let rename = Happening::new(at, by, "territory.name.update");
        self.stage.record(rename.on(target.target_at(url)).with(sides));
    }

    /// An import of a year ago is undone: sixteen territories in one request.
    pub(super) fn territories_go_in_one_list(&mut self, at: i64) {
        let request = self.stage.request_id();
        let by = By::Person(&self.setting.people[2]);
        for number in 1..=16 {
            let doc = json!({"name": format!("Import {number:02}"), "description": "From the spreadsheet of last year"});
            let thing = Thing::new("territory", fresh_id(&mut self.stage.dice, "ter"), doc);
            let url = self.page("territories", &thing.id);
            let gone = Happening::new(at + number * 290_000, by, "territory.delete");
            let gone = gone.on(thing.target_at(url)).with(Sides::deleted(thing.doc.clone()));
            self.stage.record(
                gone.in_request(&request)
                    .and("reason", "Selected in one list and deleted together"),
            );
        }
    }

    pub(super) fn support_repairs_a_workflow(&mut self, at: i64) {
        let by = By::Impersonating {
            supporter: self.setting.supporter,
            member: &self.setting.people[1],
            ticket: "Ticket 90117: a workflow runs twice for the same contact",
        };
        let approval = json!({
            "id": "apr_90117", "by": self.setting.people[0].party("user"),
            "at": Timestamp::from_micros(at - 25 * MINUTE).to_string(),
        });
        let workflow = &mut self.workflows[0];
        if workflow.len(&["conditions"]) == 0 {
            workflow.add(&["conditions"], parts::condition(&mut self.stage.dice));
        }
        let off = workflow.switch(&["enabled"], false);
        let fewer = workflow.remove(&["conditions"], 0);
        let on = workflow.set(&["enabled"], true);
        let target = workflow.clone();
        let url = self.page("workflows", &target.id);
        let steps = [
            (0, "workflow.disable", off),
            (6, "workflow.condition.remove", fewer),
            (19, "workflow.enable", on),
        ];
        for (minute, action, sides) in steps {
            let change =
                Happening::new(at + minute * MINUTE, by, action).on(target.target_at(url.clone()));
            self.stage.record(change.with(sides).and("approval", approval.clone()));
        }
    }

    /// What nobody did: the product itself stops what can no longer run.
    pub(super) fn the_product_tidies_up(&mut self, at: i64) {
        let sequence = &mut self.sequences[0];
        let off = sequence.switch(&["enabled"], false);
        let target = sequence.clone();
        let url = self.page("sales-sequences", &target.id);
        let stop = Happening::new(at, By::System, "sales_sequence.disable")
            .on(target.target_at(url))
            .with(off);
        self.stage.record(stop.and("reason", "Its exit conditions were deleted"));
        let workflow = &mut self.workflows[1];
        let off = workflow.switch(&["enabled"], false);
        let target = workflow.clone();
        let url = self.page("workflows", &target.id);
        let stop = Happening::new(at + 2 * MINUTE, By::System, "workflow.disable")
            .on(target.target_at(url))
            .with(off);
        self.stage
            .record(stop.and("reason", "Failed for 24 hours: the mail template no longer exists"));
        let rule = &mut self.rules[0];
        if rule.len(&["round_robin"]) == 0 {
            rule.add(&["round_robin"], self.setting.people[3].item());
        }
        let sides = rule.edit(&["round_robin"], |list| *list = json!([]));
        let target = rule.clone();
        let url = self.page("auto-assignment", &target.id);
        let empty = Happening::new(at + 5 * MINUTE, By::System, "assignment_rule.update");
        let empty = empty.on(target.target_at(url)).with(sides);
        self.stage.record(empty.and("reason", "Its users have no licence any more"));
        let job = By::Job { id: "svc_enrichment", name: "Profile enrichment" };
        let sides = self.account.switch(&["automatic_profile_enrichment"], false);
        let pause = Happening::new(at + 7 * MINUTE, job, "profile_enrichment.disable");
        let pause = pause.on(self.account.target()).with(sides);
        self.stage.record(pause.and("reason", "The provider's quota of this month is used up"));
    }

    pub(super) fn cancelled_and_taken_back(&mut self, at: i64) {
        let second = By::Person(&self.setting.people[2]);
        let refused = json!({"result": "denied", "code": "account_admin_only", "reason": "Only the Account Admin may cancel"});
        let ask =
            Happening::new(at, second, "account.cancellation.request").on(self.account.target());
        self.stage.record(ask.and("outcome", refused));
        let moment = |days: i64| Timestamp::from_micros(at + days * 24 * 60 * MINUTE).to_string();
        let asked = json!({"requested_at": moment(0), "effective_at": moment(30), "reason": "We compare two offers"});
        let ask = Happening::new(at + 38 * MINUTE, self.boss(), "account.cancellation.request");
        self.stage.record(ask.on(self.account.target()).with(Sides::created(asked)));
    }

    /// A few things that have just happened, so that the list is never old.
    pub(super) fn this_hour(&mut self, at: i64) {
        let acts = [
            (0, "workflow.action.add"),
            (9, "workflow.action.update"),
            (21, "assignment_rule.round_robin.add"),
            (33, "sales_sequence.step.update"),
        ];
        for (minute, action) in acts {
            self.everyday(action, at + minute * MINUTE);
        }
        let workflow = &mut self.workflows[0];
        let more = workflow.add(&["actions"], parts::workflow_action(&mut self.stage.dice));
        let target = workflow.clone();
        let url = self.page("workflows", &target.id);
        let agent = By::Agent {
            id: "agent_ops",
            name: "Operations assistant",
            member: &self.setting.people[1],
        };
        let add = Happening::new(at + 46 * MINUTE, agent, "workflow.action.add");
        self.stage.record(add.on(target.target_at(url)).with(more));
    }
}
