//! Inboxes and teams, the two things that have members.

use super::*;

impl World {
    pub(super) fn inbox(&mut self, action: &'static str, at: i64) -> Happening {
        let by = self.lead();
        let dice = &mut self.stage.dice;
        let happening = Happening::new(at, by, action);
        if action == "inbox.create" {
            let (name, channel) = *dice.pick(INBOXES);
            let mut inbox = new_inbox(dice, &(name, channel));
            inbox.doc["name"] = json!(format!("{name} {}", self.inboxes.len() + 1));
            let made = inbox.only(&["name", "channel"]);
            let happening = happening.on(inbox.target()).with(Sides::created(made));
            self.inboxes.push(inbox);
            return happening;
        }
        let wants_member = action == "inbox.member.remove";
        let has_room = |thing: &Thing| thing.len(&["members"]) < AGENTS.len();
        let fits = |thing: &Thing| match action {
            "inbox.member.add" => has_room(thing),
            "inbox.member.remove" => thing.len(&["members"]) > 0,
            _ => true,
        };
        let index = pick_or_make(&mut self.inboxes, dice, fits, |dice| {
            let mut inbox = new_inbox(dice, &INBOXES[5]);
            if wants_member {
                inbox.doc["members"] = json!([AGENTS[0].item()]);
            }
            inbox
        });
        let inbox = &mut self.inboxes[index];
        let target = inbox.target();
        match action {
            "inbox.delete" => {
                let inbox = self.inboxes.swap_remove(index);
                happening.on(target).with(Sides::deleted(inbox.only(&["name", "channel"])))
            }
            "inbox.member.add" | "inbox.member.remove" => {
                let (member, sides) = change_members(inbox, action.ends_with("add"), dice);
                happening.on(target).on(member).with(sides)
            }
            _ => {
                let sides = match dice.below(3) {
                    0 => inbox.set_other(&["greeting"], dice, |dice| {
                        json!(format!("Hello! We answer within {} hours.", 2 + dice.below(11)))
                    }),
                    1 => inbox.choose(
                        &["working_hours"],
                        &["08:00–16:00", "09:00–17:00", "10:00–18:00", "always"],
                        dice,
                    ),
                    _ => {
                        let on = inbox.at(&["auto_assignment"]) != true;
                        inbox.set(&["auto_assignment"], on)
                    }
                };
                happening.on(target).with(sides)
            }
        }
    }

    pub(super) fn team(&mut self, action: &'static str, at: i64) -> Happening {
        let by = self.lead();
        let dice = &mut self.stage.dice;
        let happening = Happening::new(at, by, action);
        if action == "team.create" {
            let (name, purpose) = *dice.pick(TEAMS);
            let name = format!("{name} {}", self.teams.len() + 1);
            let team = new_team(dice, &(name.as_str(), purpose));
            let made = team.only(&["name", "description"]);
            let happening = happening.on(team.target()).with(Sides::created(made));
            self.teams.push(team);
            return happening;
        }
        let wants_member = action == "team.member.remove";
        let fits = |thing: &Thing| match action {
            "team.member.add" => thing.len(&["members"]) < AGENTS.len(),
            "team.member.remove" => thing.len(&["members"]) > 0,
            _ => true,
        };
        let index = pick_or_make(&mut self.teams, dice, fits, |dice| {
            let mut team = new_team(dice, &TEAMS[4]);
            if wants_member {
                team.doc["members"] = json!([AGENTS[1].item()]);
            }
            team
        });
        let team = &mut self.teams[index];
        let target = team.target();
        match action {
            "team.delete" => {
                let team = self.teams.swap_remove(index);
                happening.on(target).with(Sides::deleted(team.only(&["name", "description"])))
            }
            "team.update" => {
                let descriptions: Vec<&str> = TEAMS.iter().map(|(_, text)| *text).collect();
                let sides = team.choose(&["description"], &descriptions, dice);
                happening.on(target).with(sides)
            }
            _ => {
                let (member, sides) = change_members(team, action.ends_with("add"), dice);
                happening.on(target).on(member).with(sides)
            }
        }
    }
}
