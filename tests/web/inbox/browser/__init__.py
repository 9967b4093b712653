"""The pages in a real browser, one for all of these tests, which run in one loop with it."""
