//! The tool of `../build`: `tributary-bindgen IN.wasm FOLDER` is what `wasm-bindgen --target web` does, without a tool to
//! install, in the version that the root manifest names.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let made = match (args.next(), args.next()) {
        (Some(input), Some(folder)) => bindgen(Path::new(&input), Path::new(&folder)),
        _ => Err("tributary-bindgen IN.wasm FOLDER".to_owned()),
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
