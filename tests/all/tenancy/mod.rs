mod login;
mod personal_data;
mod user;
