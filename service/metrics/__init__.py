"""The registry of CPIs and KPIs: definitions, versions, qualification rules, templates."""
