//! Links the lake on a schedule.
