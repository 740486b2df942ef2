"""What plans are made of: actions, the view of a machine, forecasts. Pure."""
