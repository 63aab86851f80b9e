mod login;
mod oidc;
mod personal_data;
mod user;
