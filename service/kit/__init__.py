"""Database, errors, HTTP manners, paging, clock and ids: what every room needs, without a domain word."""
