package cloudinit

import "strings"

// awsDomain returns the domain of AWS endpoints in a region. China has its own.
func awsDomain(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
