//! What each command does with the device.

use std::io::Read;
use std::path::Path;

use tributary_sync_core::form::PublishedForm;
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::session::{Confirm, Obstacle};
use tributary_sync_core::validate::validate;

use super::output::{self, line};
use super::{AnswerArgs, Cli, Command, Settle, show};
use crate::answers::{Answers, Given, Question, typed};
use crate::bundle::neutral_name;
use crate::device::Device;
use crate::error::{Error, Result};

/// Answers files larger than this are refused.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A link is shorter.
const LINK_BYTES_MAX: u64 = 4_096;

pub(super) fn run(cli: &Cli) -> Result<()> {
    let mut device = Device::open(&cli.home)?;
    let language = cli.language.as_deref();
    match &cli.command {
        Command::Enrol { link, label } => enrol(&mut device, link, label.as_deref()),
        Command::Forms { questions } => show::forms(&device, *questions, language),
        Command::New { form, answers } => new(&mut device, form.as_deref(), answers),
        Command::Edit { record, answers } => edit(&mut device, record, answers),
        Command::List => show::list(&device, language),
        Command::Show { record } => shown(&mut device, record, language),
        Command::Sync { quiet } => sync(&mut device, *quiet),
        Command::Status => status(&device),
        Command::Settle(settle) => settled(&mut device, settle),
        Command::Empty { stored_is_enough } => empty(&mut device, *stored_is_enough),
        Command::Bundle { file } => bundle(&mut device, file.as_deref()),
    }
}

fn enrol(device: &mut Device, link: &str, label: Option<&str>) -> Result<()> {
    let typed = match link {
        "-" => read_link()?,
        link => link.to_owned(),
    };
    let account = device.enrol(&typed.trim().parse()?, label)?;
    let forms = device.forms()?.len();
    line(format!(
        "This device belongs to {} now, for {}. {forms} forms are on it; you can record without a network.",
        account.organisation_name, account.user_name
    ));
    Ok(())
}

/// The link on standard input.
fn read_link() -> Result<String> {
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(LINK_BYTES_MAX)
        .read_to_string(&mut text);
    match read {
        Ok(_) => Ok(text),
        Err(e) => Err(Error::input(
            "The link could not be read from standard input.",
            "Give the link as one line of text, or in quotation marks behind `enrol`.",
        )
        .because(e)),
    }
}

fn read_answers(args: &AnswerArgs) -> Result<Answers> {
    let mut answers = match &args.file {
        None => Answers::default(),
        Some(path) => Answers::from_json(&read(path)?)?,
    };
    args.set.iter().try_for_each(|s| answers.set(s))?;
    Ok(answers)
}

fn read(path: &Path) -> Result<String> {
    let unreadable = |e: std::io::Error| {
        Error::input(
            "The answers could not be read.",
            "Check the name of the file; it must be UTF-8.",
        )
        .because(e)
    };
    let mut text = String::new();
    let mut source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(path).map_err(unreadable)?),
    };
    let reader = &mut source;
    reader
        .take(FILE_BYTES_MAX + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::input(
            "The file of answers is larger than 4 MB.",
            "One file is one interview: check that it is the right one.",
        ));
    }
    Ok(text)
}

fn new(device: &mut Device, form: Option<&str>, args: &AnswerArgs) -> Result<()> {
    let form = device.form(form)?;
    let (record, _) = device.create(&form, &read_answers(args)?)?;
    line(format!(
        "Recorded as {record}. It is only on this device until you sync."
    ));
    flags(device, &form, record)
}

fn edit(device: &mut Device, record: &str, args: &AnswerArgs) -> Result<()> {
    let record = device.find(record)?;
    device.edit(record, &read_answers(args)?)?;
    line(format!("Saved {record}."));
    let form = device.newest_of(&device.show(record)?)?;
    flags(device, &form, record)
}

/// What does not fit its question is kept all the same, and said.
fn flags(device: &Device, form: &PublishedForm, record: RecordId) -> Result<()> {
    let shown = device.show(record)?;
    let answers = shown.held.state.keys();
    let answers = answers.flat_map(|(key, values)| values.iter().map(move |(_, v)| (key, v)));
    for flag in validate(form, answers) {
        let field = flag.key.field().and_then(|id| form.field(id));
        let name = field.map_or(flag.key.to_string(), |f| f.name.clone());
        line(format!(
            "Please check `{name}`: {}.",
            flag.fault.code().replace('_', " ")
        ));
    }
    Ok(())
}

/// First shown, then noted: what never reached the screen was not seen.
fn shown(device: &mut Device, record: &str, language: Option<&str>) -> Result<()> {
    let shown = show::record(device, device.find(record)?, language)?;
    if let Err(e) = device.note_shown(&shown) {
        // A full disk keeps nobody from reading.
        output::error(
            &Error::new(
                e.trouble().clone(),
                "It could not be noted that you saw this record.",
                "To change it, you will have to look at it once more.",
                e.next(),
            )
            .because(e),
        );
    }
    Ok(())
}

fn sync(device: &mut Device, quiet: bool) -> Result<()> {
    let mut bar = output::Bar::new(quiet);
    let report = device.sync(&mut bar);
    bar.done();
    let report = report?;
    let p = report.progress;
    line(format!(
        "Synced: {} changes sent, {} entries received.",
        p.sent, p.received
    ));
    if report.forms > 0 {
        line(format!("{} new form versions.", report.forms));
    }
    if report.new_epoch {
        line(
            "The server was restored since you last synced; this device gave back what it lacked.",
        );
    }
    if report.lost > 0 {
        line(format!(
            "{} changes are gone: the server lost them, and they had been taken off this device. Tell your coordinator.",
            report.lost
        ));
    } else if report.new_actor {
        line(
            "This device's data had been copied or restored; it goes on under a new number. Nothing was lost.",
        );
    }
    if report.revoked {
        line("This device was revoked. What it held waits for your coordinator.");
    }
    if quiet { Ok(()) } else { status(device) }
}

/// Says what is known: the server tells how far its last copy reaches, and its operator where that copy lies.
fn status(device: &Device) -> Result<()> {
    let s = device.summary()?;
    line(format!("Records on this device: {}", s.records));
    line(format!("Changes only here: {}", s.unsent));
    line(format!(
        "Changes on the server, not yet in a copy: {}",
        s.stored
    ));
    line(format!(
        "Changes in a copy that the server made: {}",
        s.copied
    ));
    line(format!(
        "Changes with your coordinator: {}",
        s.with_coordinator
    ));
    let stands = |confirm| Ok::<_, Error>(!device.obstacles(confirm)?.is_empty());
    line(
        match (
            stands(Confirm::StoredIsEnough)?,
            stands(Confirm::CopiedOnly)?,
        ) {
            (true, _) if device.profile()?.revoked => {
                "Do not delete anything: sync first. This device was revoked; what it sends waits for your coordinator."
            }
            (true, _) => "Do not delete anything: sync first.",
            (false, true) => {
                "All is on the server. Wait for its copy before you empty this device, or choose `empty --stored-is-enough`."
            }
            (false, false) => {
                "All is safe: the server has it, and so has a copy that it made. This device may be emptied: `tributary-field empty`. Where that copy lies, whoever runs the server knows."
            }
        },
    );
    Ok(())
}

fn settled(device: &mut Device, settle: &Settle) -> Result<()> {
    let record = device.find(&settle.record)?;
    let form = device.newest_of(&device.show(record)?)?;
    // The numbers are those that were shown, whatever came since.
    let view = device.last_shown(record)?;
    let (question, key) = Question::locate(&form, &view, &settle.question)?;
    let value = match (&settle.take, &settle.value) {
        (Some(n), _) => {
            let candidates = view.candidates(&key);
            let chosen = n.checked_sub(1).and_then(|i| candidates.get(i));
            let chosen = chosen.ok_or_else(|| {
                Error::input(
                    format!("There is no answer {n}; there are {}.", candidates.len()),
                    "Look at them with `show`; they are counted from 1.",
                )
            })?;
            chosen.value.clone()
        }
        (None, Some(text)) => typed(&form, &question.field, &Given::Text(text.clone()))?,
        (None, None) => {
            return Err(Error::input(
                "Nothing was chosen.",
                "Say `--take N` or `--value V`.",
            ));
        }
    };
    device.settle(record, &key, value, settle.reason.as_deref())?;
    line(format!("Settled `{}` of {record}.", question.field.name));
    Ok(())
}

fn empty(device: &mut Device, stored_is_enough: bool) -> Result<()> {
    let confirm = match stored_is_enough {
        true => Confirm::StoredIsEnough,
        false => Confirm::CopiedOnly,
    };
    let obstacles = device.obstacles(confirm)?;
    if obstacles.is_empty() {
        let gone = device.empty(confirm)?;
        line(format!(
            "{gone} records were taken off this device. Its number and its proofs stay."
        ));
        return Ok(());
    }
    for obstacle in obstacles.iter().take(20) {
        line(told(obstacle));
    }
    if obstacles.len() > 20 {
        line(format!("… and {} more.", obstacles.len() - 20));
    }
    Err(tributary_sync_core::session::SessionError::NotEmpty.into())
}

fn told(obstacle: &Obstacle) -> String {
    let of =
        |record: &Option<RecordId>| record.map_or("an erased record".to_owned(), |r| r.to_string());
    match obstacle {
        Obstacle::Unsent(_, record) => format!("Only on this device: a change of {}", of(record)),
        Obstacle::NotCopied(_, record) => {
            format!("On the server, in no copy yet: a change of {}", of(record))
        }
        Obstacle::WithCoordinator(_, record) => {
            format!("Waits for your coordinator: a change of {}", of(record))
        }
        Obstacle::FormOpen(record) => format!("Open in a form: {record}"),
        _ => "This device and the server have not finished comparing: sync once more.".to_owned(),
    }
}

fn bundle(device: &mut Device, file: Option<&Path>) -> Result<()> {
    let file = match file {
        Some(file) => file.to_owned(),
        None => neutral_name()?.into(),
    };
    let made = device.bundle(&file)?;
    match made.files.as_slice() {
        [only] => line(format!(
            "{} changes are in {}. Only your organisation's server can read it.",
            made.changes,
            only.display()
        )),
        several => {
            line(format!(
                "{} changes are in {} files. Only your organisation's server can read them; it needs all of them:",
                made.changes,
                several.len()
            ));
            for file in several {
                line(format!("  {}", file.display()));
            }
        }
    }
    line("They stay on this device until the server itself says that it has them.");
    Ok(())
}
