mod login;
mod user;
