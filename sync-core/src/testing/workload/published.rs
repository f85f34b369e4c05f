//! The workload over a form that a server published: for measuring a real server.

use super::{Device, Field, Kind, ROW_SHAPE, SHAPE, START_MS, Workload, jitter};
use crate::clock::Hlc;
use crate::form::FormPackage;
use crate::ids::{ActorId, EpochId, FormHash, Seq};
use crate::testing::Dice;

/// The id of the form.
pub const FORM_ID: &str = "workload";
/// The repeat.
const GROUP: &str = "people";
/// Interviews are made from so long before [`START_MS`] on, so that a server of that time takes no clock for a wrong one.
const EARLIER_MS: u64 = 300 * 24 * 3_600 * 1_000;

fn name(shape: usize, n: usize) -> String {
    format!("q{shape}_{n}")
}

fn row_name(n: usize) -> String {
    format!("r{n}")
}

impl Kind {
    fn bind(self) -> &'static str {
        match self {
            Self::Code(_) | Self::Codes(_) | Self::Name | Self::Note => "string",
            Self::Int => "int",
            Self::Decimal => "decimal",
            Self::Date => "date",
            Self::DateTime => "dateTime",
            Self::Time => "time",
            Self::Bool => "boolean",
            Self::Geo => "geopoint",
            Self::Photo => "binary",
        }
    }
    fn control(self, path: &str) -> String {
        let (open, close) = match self {
            Self::Code(_) => ("select1", "select1"),
            Self::Codes(_) => ("select", "select"),
            Self::Photo => ("upload mediatype=\"image/*\"", "upload"),
            _ => ("input", "input"),
        };
        let items: String = match self {
            Self::Code(n) | Self::Codes(n) => super::CHOICES
                .iter()
                .take(n.into())
                .map(|c| format!("<item><label>{c}</label><value>{c}</value></item>"))
                .collect(),
            _ => String::new(),
        };
        let reference = format!(" ref=\"{path}\"><label>q</label>");
        format!("<{open}{reference}{items}</{close}>")
    }
}

/// The XForm of the form that interviews of [`Workload::published`] answer.
pub fn xform() -> String {
    let questions = SHAPE.iter().enumerate().flat_map(|(shape, (kind, n, _))| {
        (0..*n).map(move |i| (*kind, name(shape, i), format!("/data/{}", name(shape, i))))
    });
    let mut questions: Vec<(Kind, String, String)> = questions.collect();
    Dice::new(1).shuffle(&mut questions);
    let rows = ROW_SHAPE.iter().enumerate().map(|(i, kind)| {
        let path = format!("/data/{GROUP}/{}", row_name(i));
        (*kind, row_name(i), path)
    });
    let rows: Vec<(Kind, String, String)> = rows.collect();
    let nodes = |list: &[(Kind, String, String)]| -> String {
        list.iter()
            .map(|(_, name, _)| format!("<{name}/>"))
            .collect()
    };
    let controls = |list: &[(Kind, String, String)]| -> String {
        list.iter()
            .map(|(kind, _, path)| kind.control(path))
            .collect()
    };
    let binds: String = questions
        .iter()
        .chain(&rows)
        .map(|(kind, _, path)| format!("<bind nodeset=\"{path}\" type=\"{}\"/>", kind.bind()))
        .collect();
    format!(
        "<h:html xmlns=\"http://www.w3.org/2002/xforms\" xmlns:h=\"http://www.w3.org/1999/xhtml\" xmlns:jr=\"http://openrosa.org/javarosa\">\
         <h:head><h:title>Workload</h:title><model><instance><data id=\"{FORM_ID}\" version=\"1\">{}<{GROUP} jr:template=\"\">{}</{GROUP}></data></instance>{binds}</model></h:head>\
         <h:body>{}<group ref=\"/data/{GROUP}\"><label>g</label><repeat nodeset=\"/data/{GROUP}\">{}</repeat></group></h:body></h:html>",
        nodes(&questions),
        nodes(&rows),
        controls(&questions),
        controls(&rows),
    )
}

impl Workload {
    /// The workload over the published form of [`xform`], of these devices; none if it is another form's package.
    pub fn published(
        seed: u64,
        (form, package): (FormHash, &FormPackage),
        epoch: EpochId,
        actors: &[ActorId],
    ) -> Option<Self> {
        let mut dice = Dice::new(seed);
        let find = |path: String| package.fields.iter().find(|f| f.path == path).map(|f| f.id);
        let mut fields = Vec::new();
        for (shape, (kind, count, share)) in SHAPE.into_iter().enumerate() {
            for n in 0..count {
                let id = find(format!("/data/{}", name(shape, n)))?;
                fields.push(Field { id, kind, share });
            }
        }
        let mut row_fields = Vec::new();
        for (n, kind) in ROW_SHAPE.into_iter().enumerate() {
            let id = find(format!("/data/{GROUP}/{}", row_name(n)))?;
            let share = 100;
            row_fields.push(Field { id, kind, share });
        }
        let device = |actor: &ActorId| Device {
            actor: *actor,
            seq: Seq::ZERO,
            clock: Hlc::default().tick(START_MS - EARLIER_MS + dice.bits() % 3_600_000),
            place: (
                110_000_000 + jitter(&mut dice, 9_000_000),
                1_040_000_000 + jitter(&mut dice, 9_000_000),
            ),
        };
        let devices = actors.iter().map(device).collect();
        Some(Self {
            form,
            fields,
            group: find(format!("/data/{GROUP}"))?,
            row_fields,
            package: package.fields.iter().map(|f| f.id).collect(),
            epoch,
            devices,
            dice,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::prepare;
    use crate::ids::FieldId;

    #[test]
    fn a_published_form_takes_the_workload() {
        let prepared = prepare(&xform()).unwrap();
        let ids: Vec<FieldId> = (1..)
            .map(FieldId)
            .take(prepared.model.fields.len())
            .collect();
        let package = FormPackage::new(&prepared.xform, &prepared.model, &ids, Vec::new()).unwrap();
        let form = FormHash::from_bytes([1; 32]);
        let epoch = EpochId::from_bytes([2; 16]);
        let mut workload = Workload::published(1, (form, &package), epoch, &[ActorId(9)]).unwrap();
        let writes: usize = (0..200)
            .map(|_| workload.create(0).unwrap().writes.len())
            .sum();
        assert!((50 * 200..56 * 200).contains(&writes), "{writes}");
        let other = FormPackage {
            fields: Vec::new(),
            ..package
        };
        assert!(Workload::published(1, (form, &other), epoch, &[]).is_none());
    }
}
