//! Reads how many tests passed and failed from what the test runners print.

/// Tests, and the checks around them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Takes one line of a runner's output; most lines say nothing.
    ///
    /// Two kinds do: `test result: ok. 8 passed; 0 failed; …` of the standard harness and
    /// `Summary [ 3.3s] 19 tests run: 18 passed (1 slow), 1 failed, 0 skipped` of nextest, where
    /// `timed out` and `exec failed` are failures too.
    pub(crate) fn read(&mut self, line: &str) {
        let summary = line.trim_start().strip_prefix("Summary").and_then(|rest| {
            let (_, counts) = rest.split_once("run: ")?;
            Some(counts)
        });
        let Some(counts) = summary.or_else(|| line.strip_prefix("test result: ")) else {
            return;
        };
        for part in counts.split([',', ';', '.', '(']) {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            match what.trim_end_matches(')').trim() {
                "passed" => self.passed += number,
                "failed" | "timed out" | "exec failed" => self.failed += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, passed: u64, failed: u64) {
        let mut counts = Counts::default();
        counts.read(line);
        assert_eq!(counts, Counts { passed, failed }, "{line}");
    }

    #[test]
    fn lines_of_the_runners() {
        check(
            "test result: ok. 8 passed; 0 failed; 0 ignored; 0 measured; finished in 0.15s\n",
            8,
            0,
        );
        check(
            "test result: FAILED. 10 passed; 1 failed; 0 ignored\n",
            10,
            1,
        );
        check(
            "     Summary [   3.342s] 19 tests run: 19 passed (2 slow), 0 skipped\n",
            19,
            0,
        );
        check(
            "     Summary [   0.1s] 1 test run: 0 passed, 1 failed, 3 skipped",
            0,
            1,
        );
        check(
            "Summary [ 9s] 7/9 tests run: 4 passed (1 slow), 1 failed, 2 timed out, 0 skipped",
            4,
            3,
        );
        check(
            "Summary [ 9s] 5 tests run: 4 passed, 1 exec failed, 0 skipped",
            4,
            1,
        );
        check(
            "        PASS [   0.005s] city counts::tests::3 passed",
            0,
            0,
        );
        check("test tests::passed ... ok", 0, 0);
    }
}
