//! Who may charge where.
