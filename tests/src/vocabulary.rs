//! The names under which the three known kinds of files have the same columns.

/// The Telco sample's name, the one of the service that Augur replaces, the extended edition's.
const NAMES: &[(&str, &str, &str)] = &[
    ("gender", "Sex", "Gender"),
    ("SeniorCitizen", "IsSeniorCitizen", "Senior Citizen"),
    ("Partner", "HasPartner", "Partner"),
    ("Dependents", "HasChild", "Dependents"),
    ("tenure", "ClientPeriod", "Tenure Months"),
    ("PhoneService", "HasPhoneService", "Phone Service"),
    ("MultipleLines", "HasMultiplePhoneNumbers", "Multiple Lines"),
    ("InternetService", "HasInternetService", "Internet Service"),
    ("OnlineSecurity", "HasOnlineSecurityService", "Online Security"),
    ("OnlineBackup", "HasOnlineBackup", "Online Backup"),
    ("DeviceProtection", "HasDeviceProtection", "Device Protection"),
    ("TechSupport", "HasTechSupportAccess", "Tech Support"),
    ("StreamingTV", "HasOnlineTV", "Streaming TV"),
    ("StreamingMovies", "HasMovieSubscription", "Streaming Movies"),
    ("Contract", "HasContractPhone", "Contract"),
    ("PaperlessBilling", "IsBillingPaperless", "Paperless Billing"),
    ("PaymentMethod", "PaymentMethod", "Payment Method"),
    ("MonthlyCharges", "MonthlySpending", "Monthly Charges"),
    ("TotalCharges", "TotalSpent", "Total Charges"),
];

/// The features that every shipped model needs, by the Telco sample's names.
pub fn features() -> Vec<&'static str> {
    NAMES.iter().map(|names| names.0).collect()
}

/// The name in the vocabulary of the service that Augur replaces; any other column keeps its own.
pub fn of_the_predecessor(name: &str) -> String {
    NAMES.iter().find(|names| names.0 == name).map_or(name, |names| names.1).to_owned()
}

/// The name in the Telco sample's extended edition; any other column keeps its own.
pub fn of_the_extended_edition(name: &str) -> String {
    NAMES.iter().find(|names| names.0 == name).map_or(name, |names| names.2).to_owned()
}
