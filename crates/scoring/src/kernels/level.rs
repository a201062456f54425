//! What the processor can do, found out once.

use std::sync::OnceLock;

/// The environment variable that lowers the level, for benchmarks: `portable`, `avx2` or `avx512`.
const VARIABLE: &str = "AUGUR_SIMD";

/// The instructions that a kernel may use. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every processor of the target has.
    Portable,
    /// x86-64 with AVX2, the bit manipulations and the carry-less multiplication that came with it
    /// (Haswell, Zen).
    Avx2,
    /// x86-64 with the foundation, BW, DQ, VL, VBMI and VBMI2 parts of AVX-512 (Ice Lake, Zen 4).
    Avx512,
}

impl Level {
    /// The highest level that this processor has and that the environment variable `AUGUR_SIMD` lets
    /// through. It never changes while the program runs.
    #[must_use]
    pub fn best() -> Level {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = std::env::var(VARIABLE).ok();
            let wanted = Level::ALL.into_iter().find(|level| wanted.as_deref() == Some(level.name()));
            wanted.unwrap_or(Level::Avx512).possible()
        })
    }

    /// This level, or the highest that this processor has where that is lower.
    #[must_use]
    pub fn possible(self) -> Level {
        static HIGHEST: OnceLock<Level> = OnceLock::new();
        self.min(*HIGHEST.get_or_init(Level::detect))
    }

    /// The lowest first.
    const ALL: [Level; 3] = [Level::Portable, Level::Avx2, Level::Avx512];

    /// As the environment variable names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn detect() -> Level {
        let has_avx2 = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("pclmulqdq");
        let has_avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2");
        match (has_avx2, has_avx512) {
            (true, true) => Level::Avx512,
            (true, false) => Level::Avx2,
            _ => Level::Portable,
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn detect() -> Level {
        Level::Portable
    }

    /// Every level that this machine has, for tests that compare them.
    #[cfg(test)]
    pub(crate) fn all() -> Vec<Level> {
        Level::ALL.into_iter().filter(|&level| level.possible() == level).collect()
    }
}

/// Defines a function of a level that compiles its body once for each level, so that the compiler may use
/// the level's instructions in it.
macro_rules! compiled_for_each_level {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),+ $(,)?) $body:block) => {
        $(#[$attribute])*
        #[allow(unsafe_code, reason = "calls of what the processor is known to have")]
        $visibility fn $name(level: Level, $($argument: $type),+) {
            #[inline(always)]
            fn portable($($argument: $type),+) $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
            fn avx2($($argument: $type),+) {
                portable($($argument),+);
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,bmi1,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi")]
            fn avx512($($argument: $type),+) {
                portable($($argument),+);
            }

            match level.possible() {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: `possible` returns no level that this processor does not have.
                Level::Avx512 => unsafe { avx512($($argument),+) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Level::Avx2 => unsafe { avx2($($argument),+) },
                _ => portable($($argument),+),
            }
        }
    };
}

pub(crate) use compiled_for_each_level;
