# A config as user data, with Terraform or OpenTofu. It needs `transpile` and Python on the machine that runs them.
#
# The state of Terraform holds the output: keep secrets out of it, and let the machine fetch them.

terraform {
  required_providers {
    external = {
      source  = "hashicorp/external"
      version = "~> 2.3"
    }
  }
}

variable "host" {
  type    = string
  default = "web1"
}

data "external" "site" {
  program = ["python3", "${path.module}/transpile_external.py"]

  query = {
    path      = "${path.module}/site.bu"
    files_dir = path.module
    target    = "fcos-42"
    strict    = "true"
    variables = jsonencode({ host = var.host })
  }
}

output "user_data" {
  value     = data.external.site.result.ignition
  sensitive = true
}
