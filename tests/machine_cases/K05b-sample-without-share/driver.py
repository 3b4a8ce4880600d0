nvml.nvmlDeviceGetProcessUtilization = lambda h, since: [sample(pid=1, smUtil=None, timeStamp=since+1), sample(pid=2, smUtil=50, timeStamp=1789999999000000)]
