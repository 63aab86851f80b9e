mod location;
