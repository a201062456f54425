//! What a training lets people choose between.

use clap::{Args, ValueEnum};
use learning::quality::Costs;
use learning::{CalibrationMethod, ThresholdAim};
use scoring::Algorithm;

/// What can be trained.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum AlgorithmChoice {
    /// Logistic regression
    Logistic,
    /// A linear support vector machine
    Svm,
    /// A random forest
    #[value(alias = "random-forest")]
    RandomForest,
    /// A single decision tree
    #[value(alias = "decision-tree")]
    DecisionTree,
    /// Gradient-boosted oblivious trees in CatBoost's format
    Catboost,
    /// Gradient-boosted trees in XGBoost's format
    Xgboost,
    /// A neural network of fully connected layers
    Mlp,
}

/// From which probability on a customer counts as leaving.
#[derive(Args)]
pub struct ThresholdArguments {
    /// From this probability on a customer counts as leaving [default: 0.5]
    #[arg(long, value_name = "P", group = "aim")]
    threshold: Option<f64>,
    /// The threshold with the highest F1
    #[arg(long, group = "aim")]
    threshold_for_f1: bool,
    /// The highest threshold that finds this share of the leavers
    #[arg(long, value_name = "SHARE", group = "aim")]
    threshold_for_recall: Option<f64>,
    /// What it costs to contact a customer; with the next two, the threshold is that of the highest profit
    #[arg(long, value_name = "MONEY", group = "aim", requires = "retained_value", requires = "success_rate")]
    contact_cost: Option<f64>,
    /// What a leaver is worth who stays after all
    #[arg(long, value_name = "MONEY", requires = "contact_cost")]
    retained_value: Option<f64>,
    /// The share of contacted leavers who stay after all
    #[arg(long, value_name = "SHARE", requires = "contact_cost")]
    success_rate: Option<f64>,
}

impl ThresholdArguments {
    /// What was asked for; one half where nothing was.
    pub fn aim(&self) -> ThresholdAim {
        let costs = (self.contact_cost, self.retained_value, self.success_rate);
        if let (Some(contact_cost), Some(retained_value), Some(success_rate)) = costs {
            return ThresholdAim::Profit(Costs { contact_cost, retained_value, success_rate });
        }
        match (self.threshold_for_f1, self.threshold_for_recall) {
            (true, _) => ThresholdAim::F1,
            (_, Some(share)) => ThresholdAim::Recall(share),
            _ => ThresholdAim::Fixed(self.threshold.unwrap_or(0.5)),
        }
    }
}

/// How scores become probabilities.
#[derive(Clone, Copy, Default, ValueEnum)]
pub enum CalibrationChoice {
    /// Whichever cross-validation finds the best, the simplest of equals
    #[default]
    Auto,
    /// A sigmoid
    Platt,
    /// A beta map
    Beta,
    /// A monotone spline
    Spline,
}

impl From<CalibrationChoice> for CalibrationMethod {
    fn from(choice: CalibrationChoice) -> Self {
        match choice {
            CalibrationChoice::Auto => Self::Auto,
            CalibrationChoice::Platt => Self::Platt,
            CalibrationChoice::Beta => Self::Beta,
            CalibrationChoice::Spline => Self::Spline,
        }
    }
}

/// How classes are evened out.
#[derive(Clone, Copy, Default, PartialEq, ValueEnum)]
pub enum ResampleChoice {
    /// Not at all
    #[default]
    None,
    /// New leavers between those that are alike
    Smote,
    /// The same with whole categories
    SmoteNc,
    /// Fewer stayers
    Undersample,
    /// Without stayers that are nearest to a leaver
    Tomek,
    /// New leavers, then without pairs of opposites
    SmoteTomek,
}

impl From<AlgorithmChoice> for Algorithm {
    fn from(choice: AlgorithmChoice) -> Self {
        match choice {
            AlgorithmChoice::Logistic => Self::Logistic,
            AlgorithmChoice::Svm => Self::Svm,
            AlgorithmChoice::RandomForest => Self::RandomForest,
            AlgorithmChoice::DecisionTree => Self::DecisionTree,
            AlgorithmChoice::Catboost => Self::Catboost,
            AlgorithmChoice::Xgboost => Self::Xgboost,
            AlgorithmChoice::Mlp => Self::Mlp,
        }
    }
}

impl ResampleChoice {
    /// The parameter's value, where there is something to do.
    pub fn value(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Smote => Some("smote"),
            Self::SmoteNc => Some("smote_nc"),
            Self::Undersample => Some("undersample"),
            Self::Tomek => Some("tomek"),
            Self::SmoteTomek => Some("smote_tomek"),
        }
    }
}
