//! Field ids across the versions of a form (`record-and-sync` §2.3).
//!
//! A field is the same as before if it stands in the same repeat under the same name with the same type; groups do not
//! matter. Anything else is a new field, unless a coordinator says that it is an old one. Ids are never given twice.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::attr::{DecideRole, PolicySpec};
use super::diff::{Preview, preview};
use super::error::{FormError, FormErrorKind, quote};
use super::model::{Field, FieldKind};
use super::package::{FormPackage, PackageAttachment};
use super::rows::PreparedForm;
use crate::ids::FieldId;

/// What a form says about the reading of a field; it belongs to the id, not to a version.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FieldRules {
    /// How concurrent answers read as one.
    pub policy: PolicySpec,
    /// Who may lower a protective value.
    pub decide: Vec<DecideRole>,
    /// The codes that count as live consent.
    pub consent: Vec<String>,
}

impl FieldRules {
    pub(super) fn of(field: &Field) -> Self {
        Self {
            policy: field.policy.clone(),
            decide: field.decide.clone(),
            consent: field.consent.clone(),
        }
    }
    /// Whether the field reads other than plainly.
    pub fn is_plain(&self) -> bool {
        self.policy == PolicySpec::Single && self.consent.is_empty()
    }
}

/// A field that a form lineage has, or once had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldIdentity {
    /// Its id.
    pub id: FieldId,
    /// The repeat that it stands in.
    pub repeat: Option<FieldId>,
    /// Its name, in the last version that has it.
    pub name: String,
    /// Its type, likewise.
    pub type_name: String,
    /// Its path, likewise.
    pub path: String,
    /// Whether the latest version has it.
    pub live: bool,
    /// Its rules, as last published.
    pub rules: FieldRules,
}

/// What publishing a version would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The version.
    pub package: FormPackage,
    /// All fields of the lineage afterwards; the `previous` of the next version.
    pub identities: Vec<FieldIdentity>,
    /// Rules that differ from those in force: one policy entry in the log for each.
    pub rules: Vec<(FieldId, FieldRules)>,
    /// What changes, for people.
    pub preview: Preview,
}

/// Gives each field of a form its id.
///
/// `previous` is every field ever used in the lineage; `mapping` names, by the path in the new version, the old field
/// that a field is; `random` draws ids. Nothing is refused because it protects less: see [`Preview::plain`].
pub fn assign_ids(
    previous: &[FieldIdentity],
    form: &PreparedForm,
    attachments: Vec<PackageAttachment>,
    mapping: &BTreeMap<String, FieldId>,
    mut random: impl FnMut() -> u32,
) -> Result<Assignment, FormError> {
    let fields = &form.model.fields;
    let mut matcher = Matcher::new(previous, fields, mapping)?;
    let scopes = std::iter::once(None).chain(
        fields
            .iter()
            .enumerate()
            .filter(|(_, f)| f.kind == FieldKind::Repeat)
            .map(|(i, _)| Some(i)),
    );
    for scope in scopes {
        matcher.scope(scope, &mut random)?;
    }
    if let Some((path, _)) = mapping
        .iter()
        .find(|(p, _)| !fields.iter().any(|f| f.path == **p))
    {
        return Err(mapping_error(format!(
            "There is no field at {}.",
            quote(path)
        )));
    }
    let ids: Vec<FieldId> = matcher.ids.iter().copied().flatten().collect();
    let package = FormPackage::new(&form.xform, &form.model, &ids, attachments)?;
    let current: Vec<FieldIdentity> = fields
        .iter()
        .zip(&ids)
        .map(|(f, id)| FieldIdentity {
            id: *id,
            repeat: f.repeat.and_then(|r| ids.get(r).copied()),
            name: f.name.clone(),
            type_name: f.type_name(),
            path: f.path.clone(),
            live: true,
            rules: FieldRules::of(f),
        })
        .collect();
    let preview = preview(previous, &current, mapping);
    let in_force: HashMap<FieldId, &FieldRules> =
        previous.iter().map(|p| (p.id, &p.rules)).collect();
    let rules = current
        .iter()
        .filter(|c| match in_force.get(&c.id) {
            Some(old) => **old != c.rules,
            None => !c.rules.is_plain(),
        })
        .map(|c| (c.id, c.rules.clone()))
        .collect();
    let now: HashSet<FieldId> = ids.iter().copied().collect();
    let gone = previous
        .iter()
        .filter(|p| !now.contains(&p.id))
        .cloned()
        .map(|p| FieldIdentity { live: false, ..p });
    let identities = current.iter().cloned().chain(gone).collect();
    Ok(Assignment {
        package,
        identities,
        rules,
        preview,
    })
}

fn mapping_error(detail: String) -> FormError {
    FormError::new(FormErrorKind::Mapping, detail)
}

type Identity<'p> = (Option<FieldId>, &'p str, &'p str);

struct Matcher<'p> {
    by_id: HashMap<FieldId, &'p FieldIdentity>,
    live: HashMap<Identity<'p>, Vec<&'p FieldIdentity>>,
    fields: &'p [Field],
    types: Vec<String>,
    mapping: &'p BTreeMap<String, FieldId>,
    ids: Vec<Option<FieldId>>,
    taken: HashSet<FieldId>,
}

impl<'p> Matcher<'p> {
    fn new(
        previous: &'p [FieldIdentity],
        fields: &'p [Field],
        mapping: &'p BTreeMap<String, FieldId>,
    ) -> Result<Self, FormError> {
        let mut live: HashMap<_, Vec<_>> = HashMap::new();
        for old in previous.iter().filter(|p| p.live) {
            live.entry((old.repeat, old.name.as_str(), old.type_name.as_str()))
                .or_default()
                .push(old);
        }
        let mapped: HashSet<FieldId> = mapping.values().copied().collect();
        if mapped.len() != mapping.len() {
            return Err(mapping_error(
                "Two fields are mapped to one old field.".to_owned(),
            ));
        }
        Ok(Self {
            by_id: previous.iter().map(|p| (p.id, p)).collect(),
            live,
            fields,
            types: fields.iter().map(Field::type_name).collect(),
            mapping,
            ids: vec![None; fields.len()],
            taken: mapped,
        })
    }

    /// Gives ids to all fields directly in one repeat, or outside all. The repeat itself has its id by now.
    fn scope(
        &mut self,
        scope: Option<usize>,
        random: &mut impl FnMut() -> u32,
    ) -> Result<(), FormError> {
        let repeat = scope.and_then(|s| self.ids.get(s).copied().flatten());
        let here: Vec<usize> = (0..self.fields.len())
            .filter(|i| self.fields[*i].repeat == scope)
            .collect();
        let mut open: BTreeMap<(&'p str, String), Vec<usize>> = BTreeMap::new();
        for i in here {
            let field = &self.fields[i];
            match self.mapping.get(&field.path) {
                Some(old) => self.ids[i] = Some(self.mapped(field, *old, repeat)?),
                None => open
                    .entry((field.name.as_str(), self.types[i].clone()))
                    .or_default()
                    .push(i),
            }
        }
        let mut new = Vec::new();
        for ((name, type_name), mut fields) in open {
            let mut old: Vec<&FieldIdentity> = match repeat.is_some() == scope.is_some() {
                true => self
                    .live
                    .get(&(repeat, name, type_name.as_str()))
                    .cloned()
                    .unwrap_or_default(),
                false => Vec::new(),
            };
            old.retain(|o| !self.taken.contains(&o.id));
            // Where several groups use one name, the path decides; the one that is left over has moved.
            fields.retain(
                |i| match old.iter().position(|o| o.path == self.fields[*i].path) {
                    Some(at) => {
                        let id = old.swap_remove(at).id;
                        self.ids[*i] = Some(id);
                        self.taken.insert(id);
                        false
                    }
                    None => true,
                },
            );
            match (fields.as_slice(), old.as_slice()) {
                ([moved], [one]) => {
                    self.ids[*moved] = Some(one.id);
                    self.taken.insert(one.id);
                }
                _ => new.extend(fields),
            }
        }
        new.sort_unstable();
        for i in new {
            self.ids[i] = Some(self.draw(random)?);
        }
        Ok(())
    }

    fn mapped(
        &self,
        field: &Field,
        old: FieldId,
        repeat: Option<FieldId>,
    ) -> Result<FieldId, FormError> {
        let name = quote(&field.path);
        let Some(identity) = self.by_id.get(&old) else {
            return Err(mapping_error(format!(
                "{name} is mapped to a field that this form never had."
            )));
        };
        if identity.repeat != repeat {
            return Err(mapping_error(format!(
                "{name} is mapped to a field of another repeat."
            )));
        }
        let structure = |t: &str| matches!(t, "group" | "repeat" | "row_id");
        let type_name = field.type_name();
        if type_name != identity.type_name
            && (structure(&type_name) || structure(&identity.type_name))
        {
            return Err(mapping_error(format!(
                "{name} is mapped to a field that cannot become one of its type."
            )));
        }
        Ok(old)
    }

    fn draw(&mut self, random: &mut impl FnMut() -> u32) -> Result<FieldId, FormError> {
        for _ in 0..1_000 {
            let id = FieldId(random());
            if id.0 != 0 && !self.by_id.contains_key(&id) && self.taken.insert(id) {
                return Ok(id);
            }
        }
        Err(FormError::new(
            FormErrorKind::Ids,
            "The random source gives no free field id.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{PolicyStep, PublishedForm, prepare};
    use super::*;

    /// Where a field of a small test form stands.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    enum At {
        Root,
        Group,
        Repeat,
    }

    type Spec = Vec<(At, char, bool)>;

    /// An XForm with the fields of `spec` (place, name, whether a number) and one consent question.
    fn form(spec: &Spec, policy: &str) -> PreparedForm {
        let path = |(at, name, _): &(At, char, bool)| match at {
            At::Root => format!("/d/{name}"),
            At::Group => format!("/d/grp/{name}"),
            At::Repeat => format!("/d/rep/{name}"),
        };
        let nodes = |place| {
            spec.iter()
                .filter(|f| f.0 == place)
                .map(|f| format!("<{}/>", f.1))
                .collect::<String>()
        };
        let binds: String = spec
            .iter()
            .map(|f| {
                format!(
                    "<bind nodeset=\"{}\" type=\"{}\"/>",
                    path(f),
                    if f.2 { "int" } else { "string" }
                )
            })
            .collect();
        let controls: String = spec
            .iter()
            .map(|f| format!("<input ref=\"{}\"/>", path(f)))
            .collect();
        let items: String = "abc"
            .chars()
            .map(|c| format!("<item><label>{c}</label><value>{c}</value></item>"))
            .collect();
        prepare(&format!(
            "<h:html xmlns=\"http://www.w3.org/2002/xforms\" xmlns:h=\"http://www.w3.org/1999/xhtml\" xmlns:trib=\"{}\"><h:head>\
             <h:title>t</h:title><model><instance><d id=\"f\"><ok/>{}<grp>{}</grp><rep>{}</rep></d></instance>\
             <bind nodeset=\"/d/ok\" {policy}/>{binds}</model></h:head><h:body><select1 ref=\"/d/ok\">{items}</select1>\
             {controls}<group ref=\"/d/grp\"/><repeat nodeset=\"/d/rep\"/></h:body></h:html>",
            super::super::TRIB_NS,
            nodes(At::Root),
            nodes(At::Group),
            nodes(At::Repeat),
        ))
        .unwrap()
    }

    fn counter() -> impl FnMut() -> u32 {
        let mut n = 100;
        move || {
            n += 1;
            // Repeats itself on purpose.
            n / 2
        }
    }

    fn plain(previous: &[FieldIdentity], spec: &Spec) -> Assignment {
        assign_ids(
            previous,
            &form(spec, ""),
            Vec::new(),
            &BTreeMap::new(),
            counter(),
        )
        .unwrap()
    }

    fn id_at(assignment: &Assignment, path: &str) -> FieldId {
        assignment
            .package
            .fields
            .iter()
            .find(|f| f.path == path)
            .unwrap()
            .id
    }

    #[test]
    fn groups_do_not_matter_repeats_and_types_do() {
        let first = plain(
            &[],
            &vec![
                (At::Root, 'x', false),
                (At::Root, 'y', false),
                (At::Root, 'z', false),
            ],
        );
        let second = plain(
            &first.identities,
            &vec![
                (At::Group, 'x', false),
                (At::Repeat, 'y', false),
                (At::Root, 'z', true),
            ],
        );
        assert_eq!(id_at(&first, "/d/x"), id_at(&second, "/d/grp/x"));
        assert_ne!(id_at(&first, "/d/y"), id_at(&second, "/d/rep/y"));
        assert_ne!(id_at(&first, "/d/z"), id_at(&second, "/d/z"));
        let p = &second.preview;
        assert_eq!(
            (
                p.moved.len(),
                p.added.len(),
                p.dropped.len(),
                p.retyped.len()
            ),
            (1, 1, 1, 1)
        );
        assert_eq!(
            (p.retyped[0].from.as_str(), p.retyped[0].to.as_str()),
            ("text", "integer")
        );
    }

    #[test]
    fn a_name_that_returns_is_new_unless_mapped() {
        let first = plain(&[], &vec![(At::Root, 'x', false)]);
        let second = plain(&first.identities, &vec![]);
        let third = plain(&second.identities, &vec![(At::Root, 'x', false)]);
        assert_ne!(id_at(&first, "/d/x"), id_at(&third, "/d/x"));
        let mapping = BTreeMap::from([("/d/x".to_owned(), id_at(&first, "/d/x"))]);
        let spec = vec![(At::Root, 'x', false)];
        let mapped = assign_ids(
            &second.identities,
            &form(&spec, ""),
            Vec::new(),
            &mapping,
            counter(),
        )
        .unwrap();
        assert_eq!(id_at(&first, "/d/x"), id_at(&mapped, "/d/x"));
        assert_eq!(mapped.preview.renamed.len(), 1);
    }

    #[test]
    fn mappings_that_cannot_be_are_refused() {
        let first = plain(&[], &vec![(At::Root, 'x', false), (At::Repeat, 'y', false)]);
        let spec = vec![(At::Root, 'p', false), (At::Root, 'q', false)];
        let x = id_at(&first, "/d/x");
        let repeat = id_at(&first, "/d/rep");
        for mapping in [
            vec![("/d/p", x), ("/d/q", x)],
            vec![("/d/p", id_at(&first, "/d/rep/y"))],
            vec![("/d/p", repeat)],
            vec![("/d/p", FieldId(77))],
            vec![("/d/none", x)],
        ] {
            let mapping = mapping
                .into_iter()
                .map(|(p, i)| (p.to_owned(), i))
                .collect();
            let error = assign_ids(
                &first.identities,
                &form(&spec, ""),
                Vec::new(),
                &mapping,
                counter(),
            )
            .unwrap_err();
            assert_eq!(error.kind, FormErrorKind::Mapping);
        }
        assert_eq!(
            assign_ids(&[], &form(&spec, ""), Vec::new(), &BTreeMap::new(), || 5)
                .unwrap_err()
                .kind,
            FormErrorKind::Ids
        );
    }

    #[test]
    fn protecting_less_is_shown_and_refused_at_a_plain_publish() {
        let rules = |policy: &str, consent: &str, decide: &str| {
            format!("trib:policy=\"{policy}\" {consent} {decide}")
        };
        let consent = "trib:consent=\"b\"";
        let spec = vec![];
        let publish = |old: &[FieldIdentity], text: &str| {
            assign_ids(
                old,
                &form(&spec, text),
                Vec::new(),
                &BTreeMap::new(),
                counter(),
            )
            .unwrap()
        };
        let first = publish(&[], &rules("protective(a b c)", consent, ""));
        assert_eq!(first.rules.len(), 1);
        assert!(first.preview.plain().is_ok());
        assert!(
            publish(&first.identities, &rules("protective(a b c)", consent, ""))
                .rules
                .is_empty()
        );
        for weaker in [
            rules("protective(b a c)", consent, ""),
            rules("single", consent, ""),
            rules("protective(a b c)", "trib:consent=\"b c\"", ""),
            rules("protective(a b c)", "", ""),
            rules(
                "protective(a b c)",
                consent,
                "trib:decide=\"coordinator worker\"",
            ),
        ] {
            let next = publish(&first.identities, &weaker);
            assert_eq!(next.preview.rules[0].step, PolicyStep::Weaker, "{weaker}");
            assert!(next.preview.plain().is_err(), "{weaker}");
            assert_eq!(next.rules.len(), 1);
        }
        let stricter = publish(
            &first.identities,
            &rules("protective(a b c)", consent, "trib:decide=\"org_admin\""),
        );
        assert_eq!(
            stricter.preview.rules[0].step,
            PolicyStep::Weaker,
            "another role may lower it now"
        );
        let stricter = publish(
            &first.identities,
            &rules("protective(a b c)", consent, "trib:decide=\"coordinator\""),
        );
        assert!(stricter.preview.rules.is_empty());
        let gone = publish(&publish(&[], consent).identities, "");
        assert!(gone.preview.plain().is_err());
        let old = publish(&[], consent);
        let mut lineage = old.identities.clone();
        lineage.iter_mut().for_each(|i| i.name.push_str("_before"));
        let renamed = publish(&lineage, consent);
        assert!(renamed.preview.consent_dropped && renamed.preview.plain().is_err());
        let mapping = BTreeMap::from([("/d/ok".to_owned(), id_at(&old, "/d/ok"))]);
        let mapped = assign_ids(
            &lineage,
            &form(&spec, consent),
            Vec::new(),
            &mapping,
            counter(),
        );
        assert!(mapped.unwrap().preview.plain().is_ok());
    }

    #[test]
    fn a_package_has_one_spelling_and_opens_with_its_form_only() {
        let spec = vec![(At::Root, 'x', true), (At::Repeat, 'y', false)];
        let prepared = form(&spec, "");
        let file = |name: &str| PackageAttachment {
            name: name.to_owned(),
            sha256: [7; 32],
        };
        let package = assign_ids(
            &[],
            &prepared,
            vec![file("b.csv"), file("a.csv")],
            &BTreeMap::new(),
            counter(),
        )
        .unwrap()
        .package;
        let bytes = package.to_bytes().unwrap();
        assert!(bytes.starts_with(b"{\"attachments\":[{\"name\":\"a.csv\",\"sha256\":\"0707"));
        assert_eq!(FormPackage::from_bytes(&bytes).unwrap(), package);
        assert!(FormPackage::from_bytes(&[bytes.as_slice(), b" "].concat()).is_err());
        let open = PublishedForm::open(&prepared.xform, &bytes).unwrap();
        assert_eq!(open.hash(), package.hash().unwrap());
        let (id, field) = open.at_path("/d/rep/y").unwrap();
        let (repeat, _) = open.at_path("/d/rep").unwrap();
        assert_eq!(open.repeat_of(field), Some(repeat));
        assert_eq!(
            open.row_field(repeat),
            open.at_path("/d/rep/trib_row").map(|f| f.0)
        );
        assert_eq!(open.field(id).unwrap().path, "/d/rep/y");
        assert!(PublishedForm::open(&format!("{} ", prepared.xform), &bytes).is_err());
    }

    fn specs() -> impl Strategy<Value = Vec<Spec>> {
        let place = prop_oneof![Just(At::Root), Just(At::Group), Just(At::Repeat)];
        let field = (
            place,
            prop_oneof![Just('x'), Just('y'), Just('z')],
            any::<bool>(),
        );
        let spec = proptest::collection::vec(field, 0..8).prop_map(|mut fields| {
            fields.sort_by_key(|f| (f.0, f.1));
            fields.dedup_by_key(|f| (f.0, f.1));
            fields
        });
        proptest::collection::vec(spec, 1..7)
    }

    proptest! {
        #[test]
        fn an_id_means_one_field_for_ever(versions in specs(), seed in any::<u32>()) {
            let mut state = seed;
            let mut random = move || {
                // A small range, so that free ids are hard to find.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) % 300
            };
            let mut known: Vec<FieldIdentity> = Vec::new();
            let mut meaning: HashMap<FieldId, (Option<FieldId>, String, String)> = HashMap::new();
            for spec in versions {
                let next = assign_ids(&known, &form(&spec, ""), Vec::new(), &BTreeMap::new(), &mut random).unwrap();
                let live: Vec<_> = next.identities.iter().filter(|i| i.live).collect();
                let ids: HashSet<FieldId> = live.iter().map(|i| i.id).collect();
                prop_assert_eq!(ids.len(), next.package.fields.len());
                for old in &known {
                    prop_assert!(next.identities.iter().any(|i| i.id == old.id), "an id was forgotten");
                    prop_assert!(old.live || !ids.contains(&old.id), "a dropped id came back");
                }
                for field in live {
                    let now = (field.repeat, field.name.clone(), field.type_name.clone());
                    let same = |i: &&FieldIdentity| i.live && (i.repeat, &i.name, &i.type_name) == (now.0, &now.1, &now.2);
                    let before: Vec<_> = known.iter().filter(same).collect();
                    let after = next.identities.iter().filter(same).count();
                    if before.len() == 1 && after == 1 {
                        prop_assert_eq!(before[0].id, field.id, "a field lost its id");
                    }
                    prop_assert_eq!(meaning.entry(field.id).or_insert_with(|| now.clone()), &now);
                }
                known = next.identities;
            }
        }
    }
}
