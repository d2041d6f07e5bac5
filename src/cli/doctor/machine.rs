//! What the machine gives: a clock and its zone, and under systemd the walls around the service.

use std::{env, fs, process};

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    cli::finding::Finding,
    time::{Clock, SystemClock},
};

/// No machine that this program runs on is in an earlier year than this, nor in a later one than that.
const YEARS: std::ops::Range<i16> = 2026..2100;

pub fn examine() -> Vec<Finding> {
    let clock = clock(SystemClock.now(), TimeZone::try_system().ok());
    std::iter::once(clock).chain(sandbox()).collect()
}

fn clock(now: Timestamp, zone: Option<TimeZone>) -> Finding {
    let what = "clock";
    let known = zone.filter(|zone| !zone.is_unknown());
    let Some(zone) = known else {
        let advice = "set TZ or /etc/localtime, or name zones in [calendar.NAME]";
        return Finding::warn(what, format!("this machine's zone is not known, so UTC is taken for it; {advice}"));
    };
    let shown = now.to_zoned(zone.clone());
    if !YEARS.contains(&shown.year()) {
        return Finding::fail(what, format!("it says {shown}; set it, or deadlines mean nothing"));
    }
    let name = zone.iana_name().unwrap_or("a zone without a name");
    Finding::ok(what, format!("{:.0}, {name}", now.display_with_offset(zone.to_offset(now))))
}

/// The walls around this process, where systemd started it.
fn sandbox() -> Option<Finding> {
    let ours = env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == process::id().to_string());
    ours.then(|| walls(&fs::read_to_string("/proc/self/status").unwrap_or_default()))
}

/// What the kernel says of a process, as `/proc/PID/status` has it (proc_pid_status(5)).
fn walls(status: &str) -> Finding {
    let value = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim).unwrap_or_default()
    };
    let is_nothing = |mask: &str| !mask.is_empty() && mask.chars().all(|digit| digit == '0');
    let walls = [
        ("no new privileges", value("NoNewPrivs") == "1"),
        ("system calls are filtered", value("Seccomp") == "2"),
        ("no capabilities", is_nothing(value("CapEff"))),
    ];
    let named = |stands: bool| {
        let names: Vec<&str> = walls.iter().filter(|wall| wall.1 == stands).map(|wall| wall.0).collect();
        names.join(", ")
    };
    if walls.iter().all(|wall| wall.1) {
        return Finding::ok("sandbox", named(true));
    }
    Finding::warn("sandbox", format!("missing: {}; systemd/bluf.service has them all", named(false)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::finding::State;

    #[test]
    fn a_clock_is_believed_within_reason() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let paris = || TimeZone::get("Europe/Paris").ok();
        let fine = clock(at("2026-11-20T20:36:50.5Z"), paris());
        assert_eq!((fine.state, fine.says.as_str()), (State::Ok, "2026-11-20T21:36:50+01:00, Europe/Paris"));
        assert_eq!(clock(at("1970-01-01T00:10:00Z"), paris()).state, State::Fail);
        assert_eq!(clock(at("2026-11-20T20:36:50Z"), None).state, State::Warn);
        assert_eq!(clock(at("2026-11-20T20:36:50Z"), Some(TimeZone::unknown())).state, State::Warn);
    }

    #[test]
    fn a_wall_that_is_missing_is_named() {
        let all = "Name:\tbluf\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t9\n";
        assert_eq!(walls(all).state, State::Ok);
        let open = walls(&all.replace("Seccomp:\t2", "Seccomp:\t0").replace("0000000000000000", "00000000a80425fb"));
        assert_eq!(open.state, State::Warn);
        assert!(open.says.starts_with("missing: system calls are filtered, no capabilities;"), "{}", open.says);
    }
}
