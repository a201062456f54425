//! Compiles anew where the migrations, or the way queries are checked, have changed.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
    println!("cargo:rerun-if-env-changed=SQLX_OFFLINE");
}
