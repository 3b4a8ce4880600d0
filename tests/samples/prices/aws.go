// generated at 2026-07-20T13:44:30Z for us-east-1

var prices = map[string]map[ec2types.InstanceType]float64{
	// us-east-1
	"us-east-1": {
		// families
		"c5.large": 0.085000, "c5.xlarge": 0.170000, "c5.2xlarge": 0.340000, "c5.4xlarge": 0.680000,
		"c5.9xlarge": 1.530000, "c5.metal": 4.080000, "t3.micro": 0.010400, "t3.small": 0.020800,
		"t3.medium": 0.041600, "t3.large": 0.083200, "g4dn.xlarge": 0.526000, "g4dn.2xlarge": 0.752000,
		"g4dn.12xlarge": 3.912000, "m5.large": 0.096000, "m5.xlarge": 0.192000, "c7g.medium": 0.036300,
		"c7g.large": 0.072500,
	},
}
