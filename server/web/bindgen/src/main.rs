//! The tool of `../build`: `tributary-bindgen IN.wasm FOLDER` is what `wasm-bindgen --target web` does, without a tool to
//! install, in the version that the root manifest names; `tributary-bindgen inputs` prints the hashes of dist's inputs, whose
//! names it reads from standard input, from the root of the repository.

mod inputs;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let made = match (args.next(), args.next()) {
        (Some(input), Some(folder)) => bindgen(Path::new(&input), Path::new(&folder)),
        (Some(word), None) if word == "inputs" => hash(),
        _ => Err("tributary-bindgen IN.wasm FOLDER | inputs".to_owned()),
    };
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn bindgen(input: &Path, folder: &Path) -> Result<(), String> {
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen
        .input_path(input)
        .out_name("core")
        .typescript(true)
        .omit_default_module_path(true);
    let made = bindgen.web(true).and_then(|b| b.generate(folder));
    made.map_err(|e| format!("{e:#}"))
}

fn hash() -> Result<(), String> {
    let names = std::io::read_to_string(std::io::stdin()).map_err(|e| e.to_string())?;
    let files: Vec<String> = names.lines().map(str::to_owned).collect();
    print!("{}", inputs::text(Path::new("."), &files).map_err(|e| e.to_string())?);
    Ok(())
}
