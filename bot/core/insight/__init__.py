"""What is measured of requests: a request as a measurement, how many of them become figures, what figures say."""
