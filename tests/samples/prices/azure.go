// generated at 2026-06-18T03:43:41Z

var prices = map[string]map[string]float64{}

func init() {
	// eastus
	initialOnDemandPrices["eastus"] = map[string]float64{
		"Basic_A0":            0.018000,
		"Dasv5_Type1":         5.298000,
		"Standard_B1s":        0.010400,
		"Standard_B2s":        0.041600,
		"Standard_D2as_v5":    0.178000,
		"Standard_D4as_v5":    0.172000,
		"Standard_D8as_v5":    0.344000,
		"Standard_D16as_v5":   0.688000,
		"Standard_D2s_v5":     0.096000,
		"Standard_D4s_v5":     0.192000,
		"Standard_D8s_v5":     0.384000,
		"Standard_E2as_v5":    0.113000,
		"Standard_E4as_v5":    0.410000,
		"Standard_E4-2as_v5":  0.226000,
		"Standard_F2ams_v6":   0.179000,
		"Standard_F4ams_v6":   0.358000,
		"Standard_NC4as_T4_v3": 0.526000,
		"Standard_NC6s_v3":    3.060000,
	}
	// malaysiawest
	initialOnDemandPrices["malaysiawest"] = map[string]float64{
		"Dasv5_Type1":         5.988000,
		"Standard_B1s":        0.011900,
		"Standard_B2s":        0.047500,
		"Standard_D2as_v5":    0.189000,
		"Standard_D4as_v5":    0.378000,
		"Standard_D8as_v5":    0.757000,
		"Standard_D16as_v5":   1.514000,
		"Standard_D2s_v5":     0.108000,
		"Standard_D4s_v5":     0.216000,
		"Standard_D8s_v5":     0.432000,
		"Standard_E2as_v5":    0.122000,
		"Standard_E4as_v5":    0.245000,
		"Standard_E4-2as_v5":  0.245000,
		"Standard_F2ams_v6":   0.202000,
		"Standard_F4ams_v6":   0.405000,
		"Standard_NC4as_T4_v3": 0.631000,
	}
	// newzealandnorth
	initialOnDemandPrices["newzealandnorth"] = map[string]float64{
		"Standard_B1s":        0.013900,
		"Standard_B2s":        0.055400,
		"Standard_D2as_v5":    0.113000,
		"Standard_D4as_v5":    0.227000,
		"Standard_D8as_v5":    0.454000,
		"Standard_D16as_v5":   0.907000,
		"Standard_D2s_v5":     0.126000,
		"Standard_D4s_v5":     0.252000,
		"Standard_D8s_v5":     0.504000,
		"Standard_E2as_v5":    0.143000,
		"Standard_E4as_v5":    0.286000,
		"Standard_E4-2as_v5":  0.286000,
		"Standard_F2ams_v6":   0.022500,
		"Standard_F4ams_v6":   0.044900,
	}
	// westeurope
	initialOnDemandPrices["westeurope"] = map[string]float64{
		"Basic_A0":            0.018000,
		"Dasv5_Type1":         6.406000,
		"Standard_B1s":        0.012000,
		"Standard_B2s":        0.048000,
		"Standard_D2as_v5":    0.104000,
		"Standard_D4as_v5":    0.208000,
		"Standard_D8as_v5":    0.416000,
		"Standard_D16as_v5":   1.568000,
		"Standard_D2s_v5":     0.115000,
		"Standard_D4s_v5":     0.230000,
		"Standard_D8s_v5":     0.460000,
		"Standard_E2as_v5":    0.229000,
		"Standard_E4as_v5":    0.274000,
		"Standard_E4-2as_v5":  0.274000,
		"Standard_F2ams_v6":   0.216000,
		"Standard_F4ams_v6":   0.433000,
		"Standard_NC4as_T4_v3": 0.658000,
		"Standard_NC6s_v3":    3.823000,
	}
}
