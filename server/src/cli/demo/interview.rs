//! An interview as a worker would record it: answers to the outreach form, drawn by chance, free texts in the language
//! that was spoken.

use tributary_native::answers::{Answers, Given, RowGiven};

use super::chance::Chance;
use super::words::{Language, language};

const COUNTRIES: [&str; 6] = ["KH", "CN", "LA", "MM", "TH", "VN"];
const DOES_NOT_KNOW: &str = "_dk";
const DOES_NOT_SAY: &str = "_ref";

/// The answers so far.
struct Sheet<'c> {
    chance: &'c mut Chance,
    answers: Vec<(String, Given)>,
}

impl Sheet<'_> {
    fn set(&mut self, question: &str, answer: &str) {
        self.answers
            .push((question.to_owned(), Given::Text(answer.to_owned())));
    }
    fn number(&mut self, question: &str, from: u64, to: u64) {
        let answer = self.chance.between(from, to).to_string();
        self.set(question, &answer);
    }
    fn one(&mut self, question: &str, of: &[&'static str]) -> &'static str {
        let answer = self.chance.pick(of);
        self.set(question, answer);
        answer
    }
    /// One of them, or does not know, or does not want to say.
    fn perhaps(&mut self, question: &str, of: &[&'static str]) -> &'static str {
        let answer = self.code(of);
        self.set(question, answer);
        answer
    }
    fn code(&mut self, of: &[&'static str]) -> &'static str {
        match self.chance.below(100) {
            0..6 => DOES_NOT_KNOW,
            6..10 => DOES_NOT_SAY,
            _ => self.chance.pick(of),
        }
    }
    /// Several, or one of the two that stand alone.
    fn several(&mut self, question: &str, of: &[&'static str]) -> Vec<&'static str> {
        let first = self.code(of);
        let mut chosen = vec![first];
        while first != DOES_NOT_KNOW && first != DOES_NOT_SAY && self.chance.percent(40) {
            let next = self.chance.pick(of);
            if !chosen.contains(&next) {
                chosen.push(next);
            }
        }
        self.set(question, &chosen.join(" "));
        chosen
    }
    fn rows(&mut self, repeat: &str, rows: Vec<Vec<(String, Given)>>) {
        let rows = rows.into_iter().map(|answers| RowGiven {
            answers,
            ..RowGiven::default()
        });
        self.answers
            .push((repeat.to_owned(), Given::Rows(rows.collect())));
    }
    fn row(answers: &[(&str, &str)]) -> Vec<(String, Given)> {
        let given =
            |(name, text): &(&str, &str)| (String::from(*name), Given::Text((*text).into()));
        answers.iter().map(given).collect()
    }
}

/// A new interview by somebody who mostly speaks `own`; `buddhist` if years are counted so on the phone.
pub(super) fn interview(chance: &mut Chance, own: &'static str, buddhist: bool) -> Answers {
    let spoken = language(if chance.percent(12) { "en" } else { own });
    let mut s = Sheet {
        chance,
        answers: Vec::new(),
    };
    s.set("_status", "complete");
    if opening(&mut s, spoken) {
        safety(&mut s, spoken);
        person(&mut s);
        recruitment(&mut s, buddhist);
        journey(&mut s);
        exploitation(&mut s, spoken);
        others(&mut s);
        help(&mut s, spoken);
    }
    Answers(s.answers)
}

/// Whether the person agreed.
fn opening(s: &mut Sheet<'_>, spoken: &Language) -> bool {
    s.set("interview_language", spoken.code);
    s.one("interpreter", &["none", "none", "staff", "external"]);
    s.one("setting_private", &["yes", "yes", "partly"]);
    s.one("immediate_danger", &["no", "no", "no", "no", "no", "yes"]);
    let age = s.one(
        "age_class",
        &["adult", "adult", "adult", "unknown", "child"],
    );
    if age != "adult" {
        s.one(
            "guardian_role",
            &["parent", "relative", "social_worker", "_dk"],
        );
    }
    let consent = if s.chance.percent(92) {
        "given"
    } else {
        "refused"
    };
    s.set("consent_store", consent);
    if consent == "given" {
        s.one("consent_how", &["spoken", "spoken", "signed", "thumbprint"]);
        s.one("consent_share", &["given", "given", "refused", "not_asked"]);
        s.one("consent_statistics", &["given", "given", "refused"]);
    }
    consent == "given"
}

fn safety(s: &mut Sheet<'_>, spoken: &Language) {
    let never = s.one("do_not_contact", &["no", "no", "no", "no", "yes"]);
    s.one("at_risk", &["no", "no", "yes"]);
    s.one("exploiter_near", &["no", "no", "no", "yes"]);
    s.number("feels_safe", 0, 10);
    if never == "no" {
        s.one("contact_channel", &["phone", "chat", "visit", "partner"]);
        let text = s.chance.pick(&spoken.contact);
        s.set("safe_contact", text);
    }
}

fn person(s: &mut Sheet<'_>) {
    s.one(
        "prs_Gender",
        &[
            "Feminine",
            "Masculine",
            "Masculine",
            "TransgenderFeminine",
            "_ref",
        ],
    );
    s.perhaps("age_band", &["18_20", "21_23", "24_26", "27_29", "30_38"]);
    s.several("prs_Citizenship", &COUNTRIES);
    let schools = [
        "PrimaryEducation",
        "LowerSecondaryEducation",
        "UpperSecondaryEducation",
        "GMS_None",
    ];
    s.perhaps("prs_HighestLevelOfEducation", &schools);
    s.number("prs_NumberOfChildren", 0, 4);
    s.perhaps(
        "doc_status",
        &["regular", "irregular", "pending", "border_pass", "none"],
    );
}

fn recruitment(s: &mut Sheet<'_>, buddhist: bool) {
    let year = s.chance.between(2021, 2024) + if buddhist { 543 } else { 0 };
    let month = s.chance.between(1, 12);
    s.set("left_home", &format!("{year:04}-{month:02}-01"));
    s.one(
        "left_home_precision",
        &["month", "month", "year", "estimated"],
    );
    s.perhaps("recruited_where", &COUNTRIES);
    let ways = [
        "ThroughOnlineSocialNetworks",
        "ThroughFriendsOrSocialEvents",
        "ThroughFamilyOrFamilyEvents",
        "GMS_UnlicensedBroker",
        "GMS_LicensedAgency",
    ];
    let found = s.several("vic_MethodOfRecruitment", &ways);
    if found.contains(&"ThroughOnlineSocialNetworks") {
        s.several(
            "vic_RecruitmentWebsitesAndApps",
            &["Facebook", "Telegram", "Line", "WeChat", "GMS_Zalo"],
        );
    }
    s.perhaps(
        "vic_RelationshipToTrafficker",
        &["Familial", "Acquainted", "Unaquainted"],
    );
    s.several("promised", &["job", "pay", "place", "hours", "documents"]);
    if s.perhaps("fee_paid", &["yes", "no"]) == "yes" {
        let amount = s.chance.between(3, 400) * 100;
        s.set("fee_amount", &amount.to_string());
        s.one("fee_currency", &["THB", "USD", "CNY", "KHR"]);
    }
}

fn journey(s: &mut Sheet<'_>) {
    let mut from = s.chance.pick(&COUNTRIES);
    let mut legs = Vec::new();
    for _ in 0..s.chance.between(1, 4) {
        let to = s.chance.pick(&COUNTRIES);
        let by = s.code(&["foot", "car", "bus", "boat", "motorbike"]);
        let border = if from == to {
            "internal"
        } else {
            s.code(&["official", "unofficial", "smuggled"])
        };
        legs.push(Sheet::row(&[
            ("leg_from", from),
            ("leg_to", to),
            ("leg_transport", by),
            ("leg_border", border),
        ]));
        from = to;
    }
    s.rows("journey_legs", legs);
}

fn exploitation(s: &mut Sheet<'_>, spoken: &Language) {
    s.perhaps("exploited_where", &COUNTRIES);
    let place = s.chance.pick(&spoken.places);
    s.set("exploited_province", place);
    let kinds = [
        "ForcedLabour",
        "GMS_ForcedCriminality",
        "SexualExploitation",
        "ForcedMarriage",
        "GMS_NoneYet",
    ];
    let kinds = s.several("vic_TypeOfExploitation", &kinds);
    if kinds.contains(&"GMS_ForcedCriminality") {
        s.several(
            "criminality_kind",
            &["online_scam", "online_gambling", "drug_transport"],
        );
    }
    if kinds.contains(&"ForcedLabour") {
        s.perhaps(
            "vic_ForcedLabourIndustry",
            &[
                "A_AgricultureForestryAndFishing",
                "C_Manufacturing",
                "F_Construction",
                "T_ActivitiesOfHouseholdsAsEmployers",
            ],
        );
    }
    control(s);
    conditions(s);
}

/// How the person was held.
fn control(s: &mut Sheet<'_>) {
    s.several(
        "vic_MethodsOfControl",
        &[
            "DebtBondage",
            "WithholdsDocuments",
            "GMS_RestrictsMovement",
            "PhysicalThreats",
            "TakesEarnings",
            "GMS_Fines",
        ],
    );
    s.several(
        "indicators",
        &[
            "deception",
            "movement",
            "documents",
            "wages",
            "debt",
            "overtime",
            "threats",
        ],
    );
}

/// Documents, debt, hours, and the way out.
fn conditions(s: &mut Sheet<'_>) {
    s.perhaps(
        "documents_withheld",
        &["self", "employer", "recruiter", "lost"],
    );
    if s.perhaps("debt_owed", &["yes", "no"]) == "yes" {
        let amount = s.chance.between(2, 900) * 100;
        s.set("debt_amount", &amount.to_string());
        s.one("debt_currency", &["THB", "USD", "MMK", "VND", "LAK"]);
    }
    s.number("hours_day", 6, 18);
    s.number("days_week", 4, 7);
    s.perhaps("free_to_leave", &["yes", "with_penalty", "no"]);
    s.perhaps(
        "exit_how",
        &[
            "escaped",
            "released",
            "ransom",
            "police",
            "ngo",
            "still_inside",
        ],
    );
}

fn others(s: &mut Sheet<'_>) {
    let mut rows = Vec::new();
    for _ in 0..s.chance.below(3) {
        let relation = s.code(&["friends", "coworkers", "family"]);
        let age = s.chance.pick(&["adult", "adult", "unknown", "child"]);
        let many = s.chance.between(1, 30).to_string();
        rows.push(Sheet::row(&[
            ("companion_relation", relation),
            ("companion_age_class", age),
            ("companion_number", &many),
        ]));
    }
    if !rows.is_empty() {
        s.rows("companions", rows);
    }
}

fn help(s: &mut Sheet<'_>, spoken: &Language) {
    s.several(
        "needs_now",
        &["shelter", "health", "legal", "documents", "return", "money"],
    );
    s.perhaps("referral_wanted", &["yes", "no"]);
    let text = s.chance.pick(&spoken.notes);
    s.set("notes", text);
}
