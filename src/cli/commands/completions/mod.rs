//! `simctl completions`: the script that completes `simctl` in a shell, with the names of heads and roots.

mod nushell;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::args::{Arguments, CompletedShell};

/// Completes names in bash. Names are not expanded, because a folder may have any name.
const BASH: &str = r#"
# The names of heads and roots, from the daemon if one runs.
_simctl_or_names() {
    local of='' before=" ${COMP_WORDS[*]:0:COMP_CWORD} " name
    case $before in
        *" --head ") of=heads ;;
        *" heads use "* | *" heads remove "*) of=heads ;;
        *" roots remove "*) of=roots ;;
    esac
    if [[ -n $of && $2 != -* ]]; then
        COMPREPLY=()
        while IFS= read -r name; do
            [[ $name == "$2"* ]] && COMPREPLY+=("$(printf %q "$name")")
        done < <(simctl names "$of" 2>/dev/null)
        ((${#COMPREPLY[@]})) && return 0
    fi
    _simctl "$@"
}
complete -F _simctl_or_names -o bashdefault -o default simctl
"#;

const FISH: &str = r#"
# The names of heads and roots, from the daemon if one runs.
complete -n "__fish_simctl_using_subcommand heads; and __fish_seen_subcommand_from use remove" -f -a "(simctl names heads 2>/dev/null)" -c simctl
complete -n "__fish_simctl_using_subcommand roots; and __fish_seen_subcommand_from remove" -f -a "(simctl names roots 2>/dev/null)" -c simctl
complete -n "__fish_simctl_using_subcommand similar" -l head -x -a "(simctl names heads 2>/dev/null)" -c simctl
"#;

const ZSH: &str = r#"# The names of heads and roots, from the daemon if one runs.
_simctl_names() {
    local -a names
    names=("${(@f)$(simctl names $1 2>/dev/null)}")
    compadd -a names
}
_simctl_heads() { _simctl_names heads }
_simctl_roots() { _simctl_names roots }

"#;

/// Where zsh runs the script or registers it. What is defined must come before.
const ZSH_END: &str = "if [ \"$funcstack[1]\" = \"_simctl\" ]; then";

pub fn script(shell: CompletedShell) -> String {
    match shell {
        CompletedShell::Bash => generated(Shell::Bash) + BASH,
        CompletedShell::Elvish => generated(Shell::Elvish),
        CompletedShell::Fish => generated(Shell::Fish) + FISH,
        CompletedShell::Nushell => nushell::script(&Arguments::command()),
        CompletedShell::PowerShell => generated(Shell::PowerShell),
        CompletedShell::Zsh => zsh(&generated(Shell::Zsh)),
    }
}

fn generated(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "simctl", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Has zsh complete arguments that are a head or a root by name. They are known by what is said of them.
fn zsh(script: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("'--head=") || line.starts_with("':name -- A head") {
            line.replace(":_default'", ":_simctl_heads'")
        } else if line.starts_with("'*::paths -- Watched folders") {
            line.replace(":_files -/'", ":_simctl_roots'")
        } else {
            line.to_owned()
        }
    };
    let lines: Vec<String> = script.lines().map(line).collect();
    lines.join("\n").replacen(ZSH_END, &format!("{ZSH}{ZSH_END}"), 1) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zsh_completes_heads_and_roots_by_name() {
        let script = script(CompletedShell::Zsh);
        assert_eq!(script.matches(":_simctl_heads'").count(), 3, "heads use, heads remove, similar --head");
        assert_eq!(script.matches(":_simctl_roots'").count(), 1, "roots remove");
        assert!(script.find("_simctl_names()") < script.find(ZSH_END) && script.contains(ZSH_END), "{script}");
    }

    #[test]
    fn fish_has_the_conditions_that_its_names_use() {
        let script = script(CompletedShell::Fish);
        assert!(script.contains("function __fish_simctl_using_subcommand"), "{script}");
    }
}
