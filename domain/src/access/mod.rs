//! Who may charge where.

pub mod attempt;
pub mod decide;
pub mod emaid;
pub mod local_list;
pub mod spelling;
pub mod token;
pub mod token_alias;
