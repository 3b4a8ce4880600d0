"""The page: one file of HTML that needs no network, made from the report's tables and figures."""
