real = nvml.nvmlDeviceGetName
nvml.nvmlDeviceGetName = lambda h: 'N/A' if h == 1 else real(h)
