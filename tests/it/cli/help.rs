//! Every command explains itself, with examples, and the same way from build to build.

use super::run::Caller;
use super::snapshot::same;

/// The names in a help's list of commands.
fn commands(help: &str) -> Vec<String> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A name stands two columns in; what continues a description stands further.
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The help of a command and of all commands under it.
fn explain(path: &[String], text: &mut String) {
    let words: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = Caller::default().ok(&words);
    text.push_str(&format!("$ boxoffice {}\n{}\n", words.join(" "), help.trim_end()));
    let below = commands(&help);
    let plain = ["secret", "openapi", "exit-codes"];
    let has_example = help.contains("Example") || path.last().is_some_and(|name| plain.contains(&name.as_str()));
    assert!(!below.is_empty() || has_example, "boxoffice {} has no example", path.join(" "));
    for name in below {
        text.push('\n');
        explain(&[path, &[name]].concat(), text);
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let first = Caller::default().ok(&["--help"]);
    same("help", &first);
    for command in commands(&first) {
        let mut text = String::new();
        explain(std::slice::from_ref(&command), &mut text);
        same(&format!("help-{command}"), &text);
    }
}

#[test]
fn what_needs_no_cluster_works_anywhere() {
    let anybody = Caller::default();
    assert!(anybody.ok(&["version"]).starts_with("boxoffice "));
    same("exit-codes", &anybody.ok(&["exit-codes"]));
    assert!(anybody.ok(&["help", "exit-codes"]).contains("8    a check found a violation"));
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef boxoffice"), ("fish", "complete -c boxoffice")] {
        assert!(anybody.ok(&["completions", shell]).contains(word), "{shell}");
    }
    assert!(anybody.ok(&["man", "hold", "create"]).contains("boxoffice-hold-create"));
    assert!(anybody.refused(1, &["man", "holds"]).contains("no command"));
    assert!(anybody.refused(2, &["hold", "create", "evt_x"]).contains("--best"));
    assert!(anybody.refused(2, &["evnt"]).contains("event"), "the nearest command is named");
}
